"""Many cases at once, each in a closed loop: the next request leaves when the answer to the last is on the disk."""

import asyncio
import itertools
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import httpx

from tests.chaos.lines import WAIT, Lines
from tests.chaos.records import Records, Testimony

RUDE = "You silly goose, nobody here likes you."
REST = ("waiting_review", "completed", "failed")
DECIDERS = {1: ("dev-moderator", "dev-moderator-2"), 2: ("dev-supervisor",), 3: ("dev-admin",)}
REVERSERS = {1: "dev-author", 2: "dev-supervisor-2"}  # an appeal, then a supervisor's order
OFFICE = "dev-admin"  # settles what a machine cannot know
UNSETTLED = ("unknown", "conflict", "reversal_incomplete")
PAUSE = 0.2
LATE = 1.0  # until what was on its way to the witness has arrived there
Json = dict[str, Any]
EDITED: tuple[tuple[str, str, Json], ...] = (
    ("strike_author", "author", {}),
    ("suspend_author", "author", {"days": 7}),
    ("remove_content", "post", {}),
)


class Clients:
    """Everybody who uses Guardian during a run; what surprises them is kept in `surprises`."""

    def __init__(self, lines: Lines, log: Path, testimony: Path, *, seed: int, appeals: float = 0.5) -> None:
        self._lines, self._log, self._testimony = lines, Records(log), Testimony(testimony)
        self._seed, self._appeals = seed, appeals
        self.counts: Counter[str] = Counter()
        self.surprises: list[str] = []
        self.answered_at = 0.0  # of the last 202 (monotonic)
        self._stopped = asyncio.Event()

    async def run(self, cases: int, concurrency: int) -> None:
        """So many cases, so many at once."""
        numbers = iter(range(cases))

        async def one_after_the_other() -> None:
            for n in numbers:
                if self._stopped.is_set():
                    return
                await self._journey(n)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, cases)):
                group.create_task(one_after_the_other())

    def stop(self) -> None:
        """Begin no case any more."""
        self._stopped.set()

    async def close(self) -> None:
        """Hang up."""
        await self._lines.close()
        self._log.close()

    async def _journey(self, n: int) -> None:
        dice = Random(f"{self._seed}:{n}")
        named = {"content_id": f"post-{n}", "author_id": f"author-{n // 3}", "priority": dice.randrange(10)}
        started = await self._ask("dev-author", "/start", {"content": f"{RUDE} {n}", **named}, f"start-{n}")
        if started is None:
            return
        self.counts["acknowledged"] += 1
        wanted = sum(dice.random() < chance for chance in (self._appeals, self._appeals / 4))
        await self._to_the_end(started["case_id"], n, dice, wanted)
        self.counts["settled"] += 1

    async def _to_the_end(self, case_id: str, n: int, dice: Random, appeals: int) -> None:
        """Whatever a case asks of people, until it asks nothing."""
        for step in itertools.count():
            case = await self._at_rest(case_id)
            applied = any(a["status"] == "applied" and a["reverses"] is None for a in case["actions"])
            if case["needs_attention"] and await self._settle(case, f"settle-{n}-{step}"):
                continue
            if case["status"] == "waiting_review":
                await self._decide(case, n, dice)
            elif case["status"] == "completed" and applied and case["review"]["round"] <= appeals:
                body = {"case_id": case_id, "reason": f"It was a joke, number {step}."}
                person = REVERSERS[case["review"]["round"]]
                if await self._ask(person, "/rollback", body, f"rollback-{n}-{step}"):
                    self.counts["rolled back"] += 1
            else:
                self.counts[f"{case['status']}: {(case['error'] or {}).get('cause', case['outcome'])}"] += 1
                return

    async def _decide(self, case: Json, n: int, dice: Random) -> None:
        review, chosen = case["review"], dice.random()
        decision = "approve" if chosen < 0.65 else "edit" if chosen < 0.85 else "reject"
        body = {"case_id": case["case_id"], "review_id": review["review_id"], "decision": decision}
        body["reason"] = "It is rude."
        if decision == "edit":
            targets = {"post": f"post:{case['content_id']}", "author": f"author:{case['author_id']}"}
            actions = [{"kind": k, "target": targets[on], "params": p} for k, on, p in EDITED]
            body["actions"] = dice.sample(actions, dice.randrange(1, 4))
        people = DECIDERS[review["round"]]
        if await self._ask(dice.choice(people), "/resume", body, f"decide-{n}-{review['round']}"):
            self.counts["decided"] += 1

    async def _settle(self, case: Json, key: str) -> bool:
        """A supervisor looks at the platform and says what happened there; False when nothing can be said."""
        await asyncio.sleep(LATE)
        seen = self._testimony.applied()
        said = False
        for action in case["actions"]:
            if action["reverses"] is not None or action["status"] not in UNSETTLED:
                continue
            undoing = [a["action_id"] for a in case["actions"] if a["reverses"] == action["action_id"]]
            forward = action["status"] == "unknown"
            happened = action["action_id"] in seen if forward else bool(seen & set(undoing))
            outcome = "happened" if happened else "did_not_happen" if forward else "retry"
            if action["status"] == "conflict":
                self.surprises.append(f"action {action['action_id']} is in conflict, and nobody else was there")
                outcome = "leave"
            body = {"outcome": outcome, "reason": "I have looked."}
            path = f"/actions/{action['action_id']}/settle"
            said |= await self._ask(OFFICE, path, body, f"{key}-{action['action_id']}") is not None
            self.counts["settled by a person"] += 1
        return said

    async def _at_rest(self, case_id: str) -> Json:
        """Wait until nothing will happen to the case without a person, by long-polling."""
        tag: dict[str, str] = {}
        while True:
            headers = {"Authorization": "Bearer dev-moderator", **tag}
            params = {"wait": str(WAIT), "until": "rest"} if tag else {}
            answer = await self._lines.send("GET", f"/status/{case_id}", headers=headers, params=params)
            if answer is None or answer.status_code == 503:
                await asyncio.sleep(PAUSE)
            elif answer.status_code == 200:
                case: Json = answer.json()
                if case["status"] in REST and not self._under_way(case):
                    return case
                tag = {"If-None-Match": f'"{case["version"]}"'}
            elif answer.status_code != 304:
                self._surprised(f"GET /status/{case_id}", answer)
                await asyncio.sleep(PAUSE)

    def _under_way(self, case: Json) -> bool:
        """Whether a reversal is being tried again."""
        return case["status"] != "failed" and any(a["status"] in ("planned", "sending") for a in case["actions"])

    async def _ask(self, person: str, path: str, sent: Json, key: str) -> Json | None:
        """POST until there is an answer that is one; None unless it was a 202."""
        line = {"key": key, "person": person, "path": path, "sent": sent}
        self._log.add({"did": "sent", **line}, safe=False)
        headers = {"Authorization": f"Bearer {person}", "Idempotency-Key": key}
        while True:
            answer = await self._lines.send("POST", path, json=sent, headers=headers)
            if answer is not None and answer.status_code != 503:
                break
            self.counts["asked again"] += 1
            await asyncio.sleep(PAUSE)
        body = answer.json() if answer.status_code < 500 else {}
        self._log.add({"did": "answered", **line, "status": answer.status_code, "body": body})
        if answer.status_code == 202:
            self.answered_at = time.monotonic()
            return dict(body)
        self._surprised(f"POST {path}", answer)
        return None

    def _surprised(self, asked: str, answer: httpx.Response) -> None:
        self.surprises.append(f"{asked} answered {answer.status_code}: {answer.text[:300]}")
