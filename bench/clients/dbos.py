"""DBOS behind FastAPI: endpoints that wait for the workflow's events."""

from bench.journey import Case
from bench.wire import Wire


class DbosClient:
    """A workflow for each review; its id is the case's number and the round."""

    poll = 0.0

    def __init__(self, port: int) -> None:
        self._wire = Wire(port)

    async def start(self, case: Case) -> None:
        """A: POST /start."""
        case.known = {"review": f"{case.number}-1", "outcome": "removed"}
        post = {"review_id": case.known["review"], "content": case.content, "author": case.author}
        await self._wire.ask("POST", "/start", post)

    async def decide(self, case: Case, *, remove: bool) -> None:
        """B and D: POST /decide."""
        body = {"review_id": case.known["review"], "decision": "remove" if remove else "keep"}
        await self._wire.ask("POST", "/decide", body)

    async def rollback(self, case: Case) -> None:
        """C: POST /rollback."""
        body = {"review_id": f"{case.number}-2", "reverses": case.known["review"]}
        case.known = {"review": body["review_id"], "outcome": "kept"}
        await self._wire.ask("POST", "/rollback", body)

    async def paused(self, case: Case) -> None:
        """Wait for the event that says so."""
        await self._until(case, "paused", "waiting_review")

    async def completed(self, case: Case) -> None:
        """Wait for the event that says how it ended."""
        await self._until(case, "completed", case.known["outcome"])

    def close(self) -> None:
        """Hang up."""
        self._wire.close()

    async def _until(self, case: Case, event: str, wanted: str) -> None:
        seen = None
        while seen is None:
            seen = (await self._wire.ask("GET", f"/reviews/{case.known['review']}/{event}"))["value"]
        if seen != wanted:
            raise RuntimeError(f"{event}: {seen}, not {wanted}")
