"""What went wrong with a call, in words that never repeat a word of the post."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from hitl.analyzers.breaker import Outcome
from hitl.analyzers.port import AnalyzerBusy, AnalyzerUnavailable

MAX_WAIT = 60.0
# Groq answers 400 when the model's own tool call does not fit, so these speak about one post, not about the service.
ABOUT_THE_POST = frozenset({400, 413, 422})


@dataclass(frozen=True, slots=True)
class Failure:
    """The error to raise, and what the call says about the service's health."""

    error: AnalyzerBusy | AnalyzerUnavailable
    outcome: Outcome


def nonsense(spec: str, what: str) -> Failure:
    """The service answered, but not with a verdict."""
    return Failure(AnalyzerUnavailable(f"{spec} {what}"), "answered")


def too_slow(spec: str, seconds: float) -> Failure:
    """No whole answer within the time limit."""
    return Failure(AnalyzerUnavailable(f"{spec} did not answer within {seconds:g} s"), "failed")


def understand(error: BaseException, spec: str) -> Failure:
    """Tell apart what a client raised: a wish for patience, a wrong key or name, an outage."""
    for cause in _causes(error):
        status = getattr(cause, "status_code", None)
        if isinstance(status, int):
            return _of_status(status, getattr(cause, "response", None), spec)
    return Failure(AnalyzerUnavailable(f"{spec} failed: {type(error).__name__}"), _health(error))


def _health(error: BaseException) -> Outcome:
    if isinstance(error, UnicodeError):
        return "unclear"  # nothing was sent
    if isinstance(error, json.JSONDecodeError):
        return "failed"  # not even the protocol
    # LangChain stumbles over an answer of odd shape with Python's own errors; clients have errors of their own.
    return "answered" if isinstance(error, (ValueError, TypeError, LookupError, AttributeError)) else "failed"


def _of_status(status: int, response: Any, spec: str) -> Failure:
    if status == 429:
        return _rate_limited(response, spec)
    reason = {
        401: "the API key was refused (401); check GROQ_API_KEY or your provider's key",
        403: "access was refused (403); the key may not use this model",
        404: "the provider knows no such model (404 model_not_found); choose another one in HITL_ANALYZER",
    }.get(status, f"the provider answered {status}")
    return Failure(AnalyzerUnavailable(f"{spec}: {reason}"), "answered" if status in ABOUT_THE_POST else "failed")


def _rate_limited(response: Any, spec: str) -> Failure:
    wait = _retry_after(getattr(response, "headers", None) or {})
    if wait is None:
        return Failure(
            AnalyzerUnavailable(f"{spec}: rate limit reached (429), with no word on when to retry"), "unclear"
        )
    if wait > MAX_WAIT:
        return Failure(AnalyzerUnavailable(f"{spec}: rate limit reached (429) for more than a minute"), "unclear")
    return Failure(AnalyzerBusy(max(wait, 1.0)), "unclear")


def _retry_after(headers: Any) -> float | None:
    """Seconds to wait; a date counts from the answer's own Date header, since this machine's clock proves nothing."""
    value = headers.get("retry-after")
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        try:
            seconds = (parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date"))).total_seconds()
        except (TypeError, ValueError, AttributeError):
            return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(5):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__
