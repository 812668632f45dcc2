"""Guardian's people, as the journeys play them: each speaks HTTP with a token of their own."""

import itertools
import time
from collections.abc import Callable
from typing import Any

import httpx

PATIENCE = 60.0  # seconds until a journey gives up waiting; generous, since the machine is shared
RUDE = "You are a pathetic idiot and everybody here hates you, you worthless loser."
KIND = "What a lovely evening; the soup was warm and the garden smelled of rain."


class Player:
    """One person at Guardian's door."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=70.0)

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def get(self, path: str, **kwargs: Any) -> httpx.Response:
        """A GET."""
        return self._http.get(path, **kwargs)

    def post(self, path: str, body: dict[str, Any], **kwargs: Any) -> httpx.Response:
        """A POST of JSON."""
        return self._http.post(path, json=body, **kwargs)

    def start(self, content: str, **more: Any) -> str:
        """Post a text; the case's id."""
        answer = self.post("/start", {"content": content, **more})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["case_id"])

    def status(self, case_id: str) -> dict[str, Any]:
        """What the case looks like now."""
        answer = self.get(f"/status/{case_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def await_status(self, case_id: str, *wanted: str) -> dict[str, Any]:
        """Wait until the case is in one of the states."""
        return self.await_(case_id, lambda case: case["status"] in wanted)

    def await_(self, case_id: str, there: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until the case is as wanted, by long-polling as a client would."""
        deadline = time.monotonic() + PATIENCE
        case = self.status(case_id)
        while not there(case):
            assert time.monotonic() < deadline, f"still {case['status']}: {case}"
            etag = f'"{case["version"]}"'
            answer = self.get(f"/status/{case_id}", params={"wait": 5}, headers={"If-None-Match": etag})
            case = answer.json() if answer.status_code == 200 else case
        return case

    def decide(self, case_id: str, decision: str, **more: Any) -> httpx.Response:
        """Answer the case's open review."""
        review = self.status(case_id)["review"]
        body = {"case_id": case_id, "review_id": review["review_id"], "decision": decision, **more}
        return self.post("/resume", body)

    def rollback(self, case_id: str, reason: str = "It was a joke between friends.") -> httpx.Response:
        """Appeal, or order a rollback."""
        return self.post("/rollback", {"case_id": case_id, "reason": reason})

    def events(self, case_id: str) -> list[dict[str, Any]]:
        """The case's history."""
        found: list[dict[str, Any]] = self.get(f"/cases/{case_id}/events", params={"limit": 200}).json()["events"]
        return found


class Cast:
    """Everybody that a journey needs."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.author = Player(url, "dev-author")
        self.other_author = Player(url, "dev-author-2")
        self.moderator = Player(url, "dev-moderator")
        self.other_moderator = Player(url, "dev-moderator-2")
        self.supervisor = Player(url, "dev-supervisor")
        self.other_supervisor = Player(url, "dev-supervisor-2")
        self.admin = Player(url, "dev-admin")

    def close(self) -> None:
        """Everybody goes home."""
        for player in vars(self).values():
            if isinstance(player, Player):
                player.close()


def statuses(case: dict[str, Any], direction: str) -> dict[str, str]:
    """Kind to status of a case's actions in one direction."""
    return {a["kind"]: a["status"] for a in case["actions"] if (a["reverses"] is None) == (direction == "forward")}


def gap_free(events: list[dict[str, Any]]) -> bool:
    """Whether a history has no gap and no double, and each state follows from the one before."""
    if [e["seq"] for e in events] != list(range(1, len(events) + 1)):
        return False
    moves = [(e["before"], e["after"]) for e in events if e["after"]]
    return all(later[0] == earlier[1] for earlier, later in itertools.pairwise(moves))
