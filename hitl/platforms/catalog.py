"""What any platform accepts, checked before anything is sent: keys, targets, parameters, values."""

import math
import re
from datetime import datetime
from typing import Any

from hitl.domain.actions import KINDS, LABEL, MAX_LABEL, aspect, is_label
from hitl.platforms.port import Effect, EffectRefused

MAX_TARGET = 1024  # bytes of UTF-8
MAX_TEXT = 500
MAX_DEPTH = 16
MAX_NUMBER = 2**63 - 1
KEY = re.compile(r"[!-~]{1,200}\Z")


def check(effect: Effect, key: str) -> None:
    """Refuse what no platform could carry out as meant; raises EffectRefused, and nothing has been done then."""
    if not KEY.match(key):
        raise EffectRefused("An idempotency key is 1 to 200 visible ASCII characters.")
    if not sendable(effect.target) or len(effect.target.encode()) > MAX_TARGET:
        raise EffectRefused(f"The target is longer than {MAX_TARGET} bytes or holds what no text can.")
    kind, _, name = effect.target.partition(":")
    if kind not in ("post", "author") or not name:
        raise EffectRefused("A target is post:<content_id> or author:<author_id>.")
    known = KINDS.get(effect.kind)
    if known is not None and known.on != kind:
        raise EffectRefused(f"{effect.kind} is done to a target of type {known.on}, not {kind}.")
    if not (sendable(effect.params) and sendable(effect.before)):
        raise EffectRefused("The parameters hold what plain JSON cannot.")
    if effect.direction not in ("forward", "reverse"):
        raise EffectRefused("A direction is forward or reverse.")
    if effect.direction == "reverse" and not effect.reverses:
        raise EffectRefused("A reversal names the action that it reverses.")


def aspect_of(effect: Effect) -> str:
    """The aspect that the effect changes: a reversal changes the one of the action that it reverses."""
    return aspect(effect.kind, effect.params, effect.reverses or effect.action_id)


def value_of(kind: str, params: dict[str, Any]) -> dict[str, Any]:
    """What a forward action of a known kind sets its aspect to; raises EffectRefused for bad parameters."""
    _plain(params)
    if kind == "label_content":
        return {"label": _label(params.get("label"))}
    if kind == "suspend_author":
        return _suspension(params)
    return {"removed": True} if kind == "remove_content" else {**params, "standing": True}


def sendable(value: Any, depth: int = MAX_DEPTH) -> bool:
    """Whether JSON and Postgres can both hold this value exactly: no NUL, no lone surrogate, no NaN, no huge number."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, float):
        return math.isfinite(value)
    if value is None or isinstance(value, int):
        return value is None or abs(value) <= MAX_NUMBER
    if depth == 0:
        return False
    if isinstance(value, dict):
        return all(isinstance(k, str) and sendable(k, 1) and sendable(v, depth - 1) for k, v in value.items())
    return isinstance(value, list) and all(sendable(v, depth - 1) for v in value)


def _plain(params: dict[str, Any]) -> None:
    """Parameters are few, flat and short."""
    fits = len(params) <= 20 and all(
        len(name) <= MAX_LABEL and all(_short(v) for v in (value if isinstance(value, list) else [value]))
        for name, value in params.items()
    )
    if not fits or any(isinstance(v, list) and len(v) > 20 for v in params.values()):
        raise EffectRefused("Parameters are at most 20 short texts, numbers, yes or no, or short lists of these.")


def _short(value: Any) -> bool:
    return value is None or isinstance(value, int | float) or (isinstance(value, str) and len(value) <= MAX_TEXT)


def _label(label: Any) -> str:
    if not is_label(label):
        raise EffectRefused(f"label_content needs a label of {LABEL}.")
    return str(label)


def _suspension(params: dict[str, Any]) -> dict[str, Any]:
    days, until = params.get("days"), params.get("until")
    if (days is None) == (until is None):
        raise EffectRefused("suspend_author needs either days or until.")
    if days is not None:
        if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= 3650:
            raise EffectRefused("days must be a whole number from 1 to 3650.")
        return {"days": days}
    if _instant(until) is None:
        raise EffectRefused("until must be a time as RFC 3339 writes it, with its offset.")
    return {"until": until}


def _instant(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None
