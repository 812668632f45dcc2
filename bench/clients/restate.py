"""Restate's ingress: one-way sends, calls that wait for a promise, and the attach to a workflow's result."""

from bench.journey import Case
from bench.wire import Wire


class RestateClient:
    """A workflow for each review; its key is the case's number and the round."""

    poll = 0.0

    def __init__(self, port: int) -> None:
        self._wire = Wire(port)

    async def start(self, case: Case) -> None:
        """A: send to the workflow; acknowledged when it is in Restate's log."""
        case.known = {"review": f"{case.number}-1", "outcome": "removed"}
        post = {"content": case.content, "author": case.author, "reverses": None}
        await self._wire.ask("POST", f"/Review/{case.known['review']}/run/send", post)

    async def decide(self, case: Case, *, remove: bool) -> None:
        """B and D: resolve the workflow's promise."""
        await self._wire.ask("POST", f"/Review/{case.known['review']}/decide", "remove" if remove else "keep")

    async def rollback(self, case: Case) -> None:
        """C: send to the second round's workflow."""
        post = {"content": case.content, "author": case.author, "reverses": case.known["review"]}
        case.known = {"review": f"{case.number}-2", "outcome": "kept"}
        await self._wire.ask("POST", f"/Review/{case.known['review']}/run/send", post)

    async def paused(self, case: Case) -> None:
        """Call the handler that waits for the promise."""
        seen = await self._wire.ask("POST", f"/Review/{case.known['review']}/paused")
        if seen != "waiting_review":
            raise RuntimeError(f"not paused: {seen}")

    async def completed(self, case: Case) -> None:
        """Attach to the workflow's result."""
        seen = await self._wire.ask("GET", f"/restate/workflow/Review/{case.known['review']}/attach")
        if seen != case.known["outcome"]:
            raise RuntimeError(f"completed as {seen}, not {case.known['outcome']}")

    def close(self) -> None:
        """Hang up."""
        self._wire.close()
