"""A client that never gives up and never forgets: each answer is on its disk before it does anything else."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import httpx

from tests.chaos.records import Records, read

PATIENCE = 150.0  # seconds until something that should happen counts as lost
AGAIN_SECONDS = 0.1
LATE_SECONDS = 1.0  # until what a killed worker had sent has arrived at the witness
RUDE = "You silly goose, nobody likes you."
UNSETTLED = ("unknown", "refused", "conflict", "reversal_incomplete")
Case = dict[str, Any]
Moment = Literal["posted", "decided", "carried out", "settling"]


class Lost(Exception):
    """Something that was promised did not happen in time, or happened otherwise."""


class Driver:
    """Speaks to one or more desks; a request is repeated under its key until it is answered for certain."""

    def __init__(self, urls: Sequence[str], log: Records, *, patience: float = PATIENCE) -> None:
        self._urls, self._log, self._patience = list(urls), log, patience
        self._http = httpx.Client(timeout=httpx.Timeout(30.0, connect=5.0))
        self._desk = 0

    def close(self) -> None:
        """Let go of every connection."""
        self._http.close()

    def ask(self, person: str, path: str, sent: dict[str, Any], *, key: str) -> httpx.Response:
        """POST until the answer is not 5xx; what was asked and each answer is written down first."""
        line = {"key": key, "person": person, "path": path, "sent": sent}
        self._log.add({"did": "sent", **line}, safe=False)
        return self._insist("POST", path, person, line, json=sent, headers={"Idempotency-Key": key})

    def status(self, case_id: str, **more: Any) -> Case | None:
        """The case as a moderator sees it; None when it has not changed (If-None-Match)."""
        answer = self._insist("GET", f"/status/{case_id}", "dev-moderator", None, **more)
        if answer.status_code not in (200, 304):
            raise Lost(f"GET /status/{case_id} answered {answer.status_code}")
        return dict(answer.json()) if answer.status_code == 200 else None

    def await_(self, case_id: str, there: Callable[[Case], bool]) -> Case:
        """Wait until the case is as wanted, by long-polling."""
        until = time.monotonic() + self._patience
        case = self.status(case_id)
        while case is not None and not there(case):
            if time.monotonic() > until:
                raise Lost(f"case {case_id} is still {case['status']} (attention: {case['needs_attention']})")
            tag = {"If-None-Match": f'"{case["version"]}"'}
            case = self.status(case_id, params={"wait": 5}, headers=tag) or case
        assert case is not None, "the first look has no tag"
        return case

    def _insist(self, method: str, path: str, person: str, line: Case | None, **more: Any) -> httpx.Response:
        more["headers"] = {**more.get("headers", {}), "Authorization": f"Bearer {person}"}
        until = time.monotonic() + self._patience
        while True:
            answer = self._once(method, path, more)
            if answer is not None and line is not None:
                body = answer.json() if answer.status_code < 500 else {}
                self._log.add({"did": "answered", **line, "status": answer.status_code, "body": body})
            if answer is not None and answer.status_code < 500 and answer.status_code != 429:
                return answer
            if time.monotonic() > until:
                raise Lost(f"{method} {path} found no answer: {answer}")
            self._desk += 1
            time.sleep(AGAIN_SECONDS)

    def _once(self, method: str, path: str, more: dict[str, Any]) -> httpx.Response | None:
        try:
            return self._http.request(method, self._urls[self._desk % len(self._urls)] + path, **more)
        except httpx.TransportError:
            return None


class Journey:
    """One post's way through the loop; `testimony` is the witness's file, which a supervisor looks at to settle.

    `meanwhile` is called at each moment, for whatever is to happen then.
    """

    def __init__(self, driver: Driver, name: str, testimony: Path) -> None:
        self._driver, self._testimony = driver, testimony
        self.meanwhile: Callable[[Moment], None] = lambda _: None
        self.name, self.case_id, self.review_id = name, "", ""
        self._asked = 0

    def whole_loop(self) -> Case:
        """Start, decide, appeal, reverse, decide again; the case as it is at the end."""
        self.start()
        self.meanwhile("posted")
        self.decide("dev-moderator", "approve")
        self.meanwhile("decided")
        self.await_end()
        self.meanwhile("carried out")
        self.appeal()
        self.await_review(2)
        self.decide("dev-supervisor", "approve")
        return self.await_end()

    def start(self, **more: Any) -> None:
        """Post a text, and wait for its review."""
        named = {"content_id": self.name, "author_id": f"author-of-{self.name}"}
        answer = self.ask("dev-author", "/start", {"content": RUDE, **named, **more})
        self.case_id = answer.json()["case_id"]
        self.review_id = self.await_review(1)["review"]["review_id"]

    def decide(self, person: str, decision: str, **more: Any) -> httpx.Response:
        """Answer the open review."""
        case = self.await_(lambda c: c["status"] == "waiting_review")
        body = {"case_id": self.case_id, "review_id": case["review"]["review_id"], "decision": decision}
        return self.ask(person, "/resume", {**body, "reason": "It is rude.", **more})

    def appeal(self) -> None:
        """Ask for the rollback, as the author."""
        self.ask("dev-author", "/rollback", {"case_id": self.case_id, "reason": "It was a joke."})

    def await_review(self, round_: int) -> Case:
        """Wait for the review of a round, with nothing left for a supervisor to settle."""
        return self._await_settled(lambda c: c["status"] == "waiting_review" and c["review"]["round"] == round_)

    def await_end(self) -> Case:
        """Wait until the decision is carried out, with nothing left for a supervisor to settle."""
        return self._await_settled(lambda c: c["status"] == "completed")

    def await_(self, there: Callable[[Case], bool]) -> Case:
        """Wait until the case is as wanted."""
        return self._driver.await_(self.case_id, there)

    def ask(self, person: str, path: str, sent: dict[str, Any]) -> httpx.Response:
        """POST under a key of this journey's own; anything but a 202 is a loss."""
        self._asked += 1
        answer = self._driver.ask(person, path, sent, key=f"{self.name}-{self._asked}")
        if answer.status_code != 202:
            raise Lost(f"{path} answered {answer.status_code}: {answer.text[:300]}")
        return answer

    def _await_settled(self, there: Callable[[Case], bool]) -> Case:
        while True:
            case = self.await_(lambda c: (there(c) and not _being_done(c)) or c["status"] == "failed")
            if case["status"] == "failed" and not case["needs_attention"]:
                raise Lost(f"case {self.case_id} failed: {case['error']}")
            if not case["needs_attention"]:
                return case
            self._settle(case)

    def _settle(self, case: Case) -> None:
        """A supervisor looks at the platform, and says what happened there."""
        self.meanwhile("settling")
        time.sleep(LATE_SECONDS)
        done = {line["action_id"] for line in read(self._testimony) if line["did"] == "applied"}
        for action in case["actions"]:
            if action["reverses"] is None and action["status"] in UNSETTLED:
                undoing = [a["action_id"] for a in case["actions"] if a["reverses"] == action["action_id"]]
                forward = action["status"] in ("unknown", "refused")
                asked = action["action_id"] if forward else undoing[0]
                outcome = "happened" if asked in done else "retry"
                path = f"/actions/{action['action_id']}/settle"
                self.ask("dev-supervisor", path, {"outcome": outcome, "reason": "I looked at the platform."})


def _being_done(case: Case) -> bool:
    """Whether an action is on its way; a supervisor may have asked for that after the case was closed."""
    return any(action["status"] in ("planned", "sending") for action in case["actions"])
