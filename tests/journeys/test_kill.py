"""`kill -9` of the whole embedded Guardian at random moments of the journey: nothing is lost, nothing is done twice.

GUARDIAN_KILLS and GUARDIAN_SEED make it longer or repeat it: the suite does three kills.
"""

import os
import random
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from tests.journeys.client import PATIENCE, RUDE, Cast, Player, gap_free, statuses
from tests.journeys.guardian import Program, embedded_guardian
from tests.services.folders import throwaway
from tests.services.ports import free_port

KILLS = int(os.environ.get("GUARDIAN_KILLS", "3"))
SEED = int(os.environ.get("GUARDIAN_SEED", "20261121"))


class Journey(threading.Thread):
    """One case from the post to the end, by a client that asks again with the same key until it gets its answer."""

    def __init__(self, url: str, n: int) -> None:
        super().__init__(daemon=True)
        self.url, self.n = url, n
        self.case_id = ""
        self.done = False

    def run(self) -> None:
        cast = Cast(self.url)
        self.case_id = self._say(cast.author, "/start", {"content": f"{RUDE} {self.n}"})["case_id"]
        self._decide(cast.moderator, "approve", 1)
        self._await(cast.moderator, "completed")
        self._say(cast.author, "/rollback", {"case_id": self.case_id, "reason": "It was a joke."})
        self._decide(cast.supervisor, "reject", 2)
        self._await(cast.moderator, "completed")
        cast.close()
        self.done = True

    def _decide(self, player: Player, decision: str, round_: int) -> None:
        review = self._await(player, "waiting_review", round_)["review"]
        body = {"case_id": self.case_id, "review_id": review["review_id"], "decision": decision, "reason": "An insult."}
        self._say(player, "/resume", body)

    def _say(self, player: Player, path: str, body: dict[str, str]) -> dict[str, str]:
        key = f"{path}-{self.n}-{body.get('review_id', '')}"
        while True:
            try:
                answer = player.post(path, body, headers={"Idempotency-Key": key})
            except httpx.TransportError:
                time.sleep(0.2)
                continue
            if answer.status_code == 503:
                time.sleep(0.2)
                continue
            assert answer.status_code == 202, answer.text
            found: dict[str, str] = answer.json()
            return found

    def _await(self, player: Player, status: str, round_: int = 0) -> dict[str, Any]:
        deadline = time.monotonic() + 3 * PATIENCE
        while time.monotonic() < deadline:
            try:
                answer = player.get(f"/status/{self.case_id}")
                if answer.status_code == 200:
                    case: dict[str, Any] = answer.json()
                    if case["status"] == status and (not round_ or case["review"]["round"] == round_):
                        return case
            except httpx.TransportError:
                pass
            time.sleep(0.2)
        raise AssertionError(f"{self.case_id} never came to be {status}")


def test_killing_everything_at_random_moments_loses_and_doubles_nothing() -> None:
    dice, port = random.Random(SEED), free_port()
    url = f"http://127.0.0.1:{port}"
    journeys = [Journey(url, n) for n in range(2 * KILLS + 4)]
    with throwaway("killed") as folder, ExitStack() as stack:
        program = _up(stack, folder, port)
        began = iter(journeys)
        for _ in range(KILLS):
            for journey in (next(began), next(began)):
                journey.start()
            time.sleep(dice.uniform(0.05, 1.5))
            program.kill9()
            program = _up(stack, folder, port)
        for journey in began:
            journey.start()
        for journey in journeys:
            journey.join(3 * PATIENCE)
        assert [j.n for j in journeys if not j.done] == []
        _check(url, journeys)


def _up(stack: ExitStack, folder: Path, port: int) -> Program:
    return stack.enter_context(embedded_guardian(folder, port, HITL_ANALYZER="stub:20"))


def _check(url: str, journeys: list[Journey]) -> None:
    cast = Cast(url)
    ids = [j.case_id for j in journeys]
    assert len(set(ids)) == len(ids)
    for case_id in ids:
        case = cast.moderator.status(case_id)
        assert (case["status"], case["outcome"]) == ("completed", "kept"), case
        assert set(statuses(case, "forward").values()) <= {"reversed", "irreversible"}
        assert set(statuses(case, "reverse").values()) == {"applied"}
        assert max(Counter((a["kind"], a["direction"]) for a in case["actions"]).values()) == 1
        events = cast.moderator.events(case_id)
        assert gap_free(events)
        applied = Counter(e["data"]["action_id"] for e in events if e["type"] == "action_applied")
        assert set(applied.values()) == {1}
    everything = cast.moderator.get("/cases", params={"limit": 200}).json()["cases"]
    assert {c["case_id"] for c in everything} == set(ids)
    cast.close()
