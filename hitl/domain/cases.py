"""A case's states, and what moves it from one to the next."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NewType

CaseId = NewType("CaseId", str)

Status = Literal[
    "received",
    "analyzing",
    "waiting_review",
    "executing",
    "completed",
    "rolling_back",
    "failed",
    "needs_migration",
]
Outcome = Literal["allowed", "actioned", "kept", "answered", "superseded"]

# The built-in graphs and the version that new cases run; others are registered by the workers that serve them.
GRAPH_VERSIONS: dict[str, str] = {"moderation": "2"}
AT_REST: frozenset[str] = frozenset({"waiting_review", "completed", "failed", "needs_migration"})
SUPERSEDABLE: frozenset[str] = frozenset({"received", "analyzing", "waiting_review"})
# What a case is doing while a command of a kind is under way; a retry returns it to this state.
WORKING_ON: dict[str, Status] = {"start": "received", "resume": "executing", "rollback": "rolling_back"}


@dataclass(frozen=True, slots=True)
class Case:
    """One piece of content under moderation, or one run of another graph; a row of `cases`."""

    case_id: CaseId
    tenant_id: str
    content_id: str
    author_id: str
    started_by: str
    graph: str
    graph_version: str
    policy: str
    policy_version: str
    status: Status
    outcome: Outcome | None
    parked_from: Status | None
    needs_attention: bool
    version: int
    round: int
    priority: int
    error: dict[str, Any] | None
    current: bool
    supersedes: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def new(self) -> bool:
        """Whether nothing has happened to it but that it was received and that its analysis began: each is an event."""
        return self.version == {"received": 1, "analyzing": 2}.get(self.status)

    @property
    def open(self) -> bool:
        """Whether work or a decision is still to come."""
        return self.status not in ("completed", "failed")


def level_of(round_: int) -> int:
    """The level that decides a round: the first is for moderators, every later one for supervisors."""
    return min(round_, 2)
