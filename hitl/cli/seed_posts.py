"""Posting rows over HTTP, a few at a time, and following each case until it is at rest."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from hitl.cli.seed_rows import Row
from hitl.domain.cases import AT_REST
from hitl.errors import GuardianError, Invalid, Unavailable

WAIT_SECONDS = 20
TRIES = 6  # of one request that gets no answer at all
LATER = (429, 503)
PATIENCE_SECONDS = 600.0  # with one request that is put off again and again


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a row ended: its case at rest, or `refused` with the API's reason."""

    row: Row
    case: dict[str, Any] | None = None
    refused: str | None = None


class Poster:
    """Posts rows to one Guardian; `posted` and `rested` are told of each, from any thread."""

    def __init__(self, url: str, token: str, *, concurrency: int) -> None:
        self._size = concurrency
        self._given_up = threading.Event()
        self._client = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=WAIT_SECONDS + 20.0,
            limits=httpx.Limits(max_connections=concurrency),
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._given_up.set()
        self._client.close()

    def check(self) -> None:
        """Whether a Guardian answers there and knows the token; Invalid or Unavailable otherwise."""
        try:
            answer = self._client.get("/cases", params={"limit": 1})
        except httpx.InvalidURL as error:
            raise Invalid(f"{self._client.base_url} is no address: {error}.") from None
        except httpx.TransportError:
            raise Unavailable(
                f"No Guardian answers at {self._client.base_url}; start one with `hitl up`, or name it with --url."
            ) from None
        if answer.status_code == 401:
            raise Invalid(f"{_reason(answer)} Name one with --token.")
        if answer.status_code >= 400 and answer.status_code not in LATER:
            raise Unavailable(f"{self._client.base_url} answers {answer.status_code}: {_reason(answer)}")

    def post(self, rows: Iterable[Row], posted: Callable[[], None], rested: Callable[[], None]) -> list[Outcome]:
        """Post all, then follow all; the outcomes in the rows' order."""
        with ThreadPoolExecutor(self._size) as pool:
            try:
                started = list(pool.map(lambda row: _told(self._start(row), posted), rows))
                return list(pool.map(lambda outcome: _told(self._follow(outcome), rested), started))
            except BaseException:  # Ctrl-C: what waits for an answer must not be waited for
                self.close()
                raise

    def _start(self, row: Row) -> Outcome:
        if row.trouble:
            return Outcome(row, refused=row.trouble)
        key = str(uuid.uuid4())  # a lost answer may be asked for again
        body = json.dumps(row.body).encode()  # lone surrogates travel as escapes: refusing them is the API's part
        try:
            answer = self._asked("POST", "/start", content=body, headers={"Idempotency-Key": key, **JSON})
        except GuardianError as gone:
            return Outcome(row, refused=gone.detail)
        if answer.status_code != 202:
            return Outcome(row, refused=f"{answer.status_code} {_reason(answer)}")
        return Outcome(row, case=answer.json())

    def _follow(self, outcome: Outcome) -> Outcome:
        case = outcome.case
        try:
            while case and (case["status"] not in AT_REST or "verdict" not in case):
                known = {"If-None-Match": f'"{case["version"]}"'} if "verdict" in case else {}
                wait = {"wait": WAIT_SECONDS} if known else {}
                answer = self._asked("GET", f"/status/{case['case_id']}", params=wait, headers=known)
                if answer.status_code == 200:
                    case = answer.json()
                elif answer.status_code != 304:
                    return Outcome(outcome.row, refused=f"{answer.status_code} {_reason(answer)}")
        except GuardianError as gone:
            return Outcome(outcome.row, refused=gone.detail)
        return Outcome(outcome.row, case, outcome.refused)

    def _asked(self, method: str, path: str, **what: Any) -> httpx.Response:
        """An answer; waits as long as a busy Guardian asks for, and a while for one that is gone."""
        failures, began = 0, time.monotonic()
        while True:
            try:
                answer = self._client.request(method, path, **what)
            except (httpx.TransportError, httpx.InvalidURL) as error:
                failures += 1
                if failures == TRIES:
                    raise Unavailable(f"no answer: {type(error).__name__}") from None
                pause = float(failures)
            else:
                if answer.status_code not in LATER or time.monotonic() - began > PATIENCE_SECONDS:
                    return answer
                pause = _retry_after(answer)
            if self._given_up.wait(pause):
                raise Unavailable("given up")


JSON = {"Content-Type": "application/json"}


def _told(outcome: Outcome, tell: Callable[[], None]) -> Outcome:
    tell()
    return outcome


def _retry_after(answer: httpx.Response) -> float:
    try:
        return min(max(float(answer.headers.get("Retry-After", "1")), 0.1), 60.0)
    except ValueError:
        return 1.0


def _reason(answer: httpx.Response) -> str:
    """What the problem says."""
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase
