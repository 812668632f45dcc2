"""LangGraph's development server and Aegra, which speak the same protocol: a run for each quarter, joined."""

import uuid
from typing import Any

from bench.journey import Case
from bench.wire import Wire


class AgentProtocolClient:
    """A case is a thread; `durability` "exit", as Guardian uses it, is the cheapest that these servers offer."""

    poll = 0.0

    def __init__(self, port: int) -> None:
        self._wire = Wire(port)

    async def start(self, case: Case) -> None:
        """A: the first run, which makes its thread."""
        case.known = {"thread": str(uuid.uuid4()), "round": 1}
        await self._run(case, input={"content": case.content, "author": case.author}, if_not_exists="create")

    async def decide(self, case: Case, *, remove: bool) -> None:
        """B and D: a run that resumes."""
        await self._run(case, command={"resume": "remove" if remove else "keep"})

    async def rollback(self, case: Case) -> None:
        """C: a run that starts at the rollback node."""
        case.known["round"] = 2
        await self._run(case, input={"appeal": True})

    async def paused(self, case: Case) -> None:
        """Join the run, which ends at the interrupt."""
        seen = await self._join(case)
        if "__interrupt__" not in seen:
            raise RuntimeError(f"not paused: {seen}"[:300])

    async def completed(self, case: Case) -> None:
        """Join the run, which ends with the graph; what was decided must have been done."""
        seen = await self._join(case)
        reversed_ = [action["reversed"] for action in seen.get("actions", ())]
        if reversed_ != [case.known["round"] == 2] or "__interrupt__" in seen:
            raise RuntimeError(f"not completed: {seen}"[:300])

    def close(self) -> None:
        """Hang up."""
        self._wire.close()

    async def _run(self, case: Case, **more: Any) -> None:
        body = {"assistant_id": "moderation", "durability": "exit", **more}
        run = await self._wire.ask("POST", f"/threads/{case.known['thread']}/runs", body)
        case.known["run"] = run["run_id"]

    async def _join(self, case: Case) -> Any:
        return await self._wire.ask("GET", f"/threads/{case.known['thread']}/runs/{case.known['run']}/join")
