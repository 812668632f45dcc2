"""Guardian: the status is long-polled until the case is at rest, with the version that one has."""

from typing import Any

from bench.journey import Case
from bench.wire import Wire

WAIT = 30
EDIT = {"decision": "edit", "actions": [{"kind": "remove_content"}], "reason": "It insults a gardener."}
KEEP = {"decision": "reject"}


def _as(person: str) -> str:
    return f"Authorization: Bearer dev-{person}\r\n"


class GuardianClient:
    """A backend that posts for its authors, a moderator for the first round, a supervisor for the second."""

    poll = 0.0

    def __init__(self, *ports: int) -> None:
        self._wire = Wire(*ports)

    async def start(self, case: Case) -> None:
        """A: POST /start."""
        body = {"content": case.content, "content_id": f"post-{case.number}", "author_id": case.author}
        case.known = await self._wire.ask("POST", "/start", body, _as("author")) | {"moderator": "moderator"}

    async def decide(self, case: Case, *, remove: bool) -> None:
        """B and D: POST /resume."""
        known = case.known
        body = {"case_id": known["case_id"], "review_id": known["review"]["review_id"], **(EDIT if remove else KEEP)}
        known |= await self._wire.ask("POST", "/resume", body, _as(known["moderator"]))

    async def rollback(self, case: Case) -> None:
        """C: POST /rollback."""
        body = {"case_id": case.known["case_id"], "reason": "It was a joke between friends."}
        case.known |= await self._wire.ask("POST", "/rollback", body, _as("author"))
        case.known["moderator"] = "supervisor"

    async def paused(self, case: Case) -> None:
        """Long-poll until people are asked."""
        seen = await self._until(case, "waiting_review")
        case.known["review"] = seen["review"]

    async def completed(self, case: Case) -> None:
        """Long-poll until it is done; what was decided must have been done."""
        seen = await self._until(case, "completed")
        wanted = "kept" if case.known["moderator"] == "supervisor" else "actioned"
        if seen["outcome"] != wanted or seen["needs_attention"]:
            raise RuntimeError(f"completed as {seen['outcome']}, not {wanted}")

    async def queue(self) -> None:
        """The first page of what waits for people."""
        await self._wire.ask("GET", "/cases?status=waiting_review&limit=50", headers=_as("moderator"))

    async def status(self, case: Case) -> None:
        """How a case stands, at once."""
        await self._wire.ask("GET", f"/status/{case.known['case_id']}", headers=_as("moderator"))

    def close(self) -> None:
        """Hang up."""
        self._wire.close()

    async def _until(self, case: Case, status: str) -> Any:
        known = case.known
        while True:
            headers = f'{_as(known["moderator"])}If-None-Match: "{known["version"]}"\r\n'
            path = f"/status/{known['case_id']}?wait={WAIT}&until=rest"
            seen = await self._wire.ask("GET", path, headers=headers, expect=(200, 304))
            if seen is None:
                continue
            known["version"] = seen["version"]
            if seen["status"] == status:
                return seen
            if seen["status"] == "failed":
                raise RuntimeError(f"failed: {seen['error']}")
