"""The straightforward design: the status is asked for again and again, as its web pages would."""

import asyncio
from typing import Any

from bench.journey import Case
from bench.wire import Wire


class StraightforwardClient:
    """Polls every 250 ms; more often at a gentle rate, where the poll itself would be what is measured."""

    poll = 0.25

    def __init__(self, port: int) -> None:
        self._wire = Wire(port)

    async def start(self, case: Case) -> None:
        """A: POST /start."""
        answer = await self._wire.ask("POST", "/start", {"content": case.content, "author": case.author})
        case.known = {"case_id": answer["case_id"], "round": 1}

    async def decide(self, case: Case, *, remove: bool) -> None:
        """B and D: POST /resume."""
        body = {"case_id": case.known["case_id"], "decision": "remove" if remove else "keep"}
        await self._wire.ask("POST", "/resume", body)

    async def rollback(self, case: Case) -> None:
        """C: POST /rollback."""
        await self._wire.ask("POST", "/rollback", {"case_id": case.known["case_id"]})
        case.known["round"] = 2

    async def paused(self, case: Case) -> None:
        """Poll until it waits for a review of this round."""
        await self._until(case, "waiting_review")

    async def completed(self, case: Case) -> None:
        """Poll until it is done; what was decided must have been done."""
        seen = await self._until(case, "completed")
        reversed_ = [action["reversed"] for action in seen["actions"]]
        if reversed_ != [case.known["round"] == 2]:
            raise RuntimeError(f"completed with {seen['actions']}")

    def close(self) -> None:
        """Hang up."""
        self._wire.close()

    async def _until(self, case: Case, status: str) -> Any:
        while True:
            seen = await self._wire.ask("GET", f"/status/{case.known['case_id']}")
            if seen["status"] == status and seen["round"] == case.known["round"]:
                return seen
            await asyncio.sleep(self.poll)
