"""What must happen next: rows that move a case, leased to one worker at a time."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from hitl.domain.cases import Case

Kind = Literal["start", "resume", "rollback", "settle"]

LEASE_SECONDS = 30
RENEW_SECONDS = 10
MAX_ATTEMPTS = 5
SUSPECT_AFTER = 2  # runs in a row that were lost together with their process
POSTPONE_LIMIT_SECONDS = 300
FAR = 25  # posts ahead of its share from which on a start belongs to the excess, and leaves the way to others


class Next(NamedTuple):
    """What must happen next to a case; `ref` as in Command."""

    kind: Kind
    ref: str | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a claim saw beside the command: the case's round, the graph's head, the decision to be carried out.

    `head` is the checkpoint's id, None when there is none; `state` is where the graph stands there, None when only
    LangGraph can say; `answer` is `{decision_id, decision, interrupt_id, round, digest, acts}`, the last whether any
    action is planned for it; `undoing`: reversals are planned.
    The rest is None where it has to be looked for: the `case`, the `checkpoint` at the head, the `work` (a decision's
    actions, or the reversals that are due), what `follows` for a case that a decision ends, or a review that is opened
    after a rollback, and the `subject` of an analysis.
    """

    round: int
    head: str | None = None
    state: dict[str, Any] | None = None
    answer: dict[str, Any] | None = None
    undoing: bool = True
    case: Case | None = None
    checkpoint: dict[str, Any] | None = field(default=None, repr=False)
    work: list[dict[str, Any]] | None = field(default=None, repr=False)
    follows: dict[str, Any] | None = field(default=None, repr=False)
    subject: dict[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Command:
    """A claimed command; `ref` is the decision, appeal or action that it carries out, `epoch` its fence.

    `late`: it is not claimed yet. The first write of its run does that, under that epoch, unless another has by then.
    """

    command_id: int
    tenant_id: str
    case_id: str
    kind: Kind
    graph: str
    graph_version: str
    ref: str | None
    epoch: int
    attempts: int
    postponed_since: datetime | None
    postponed_for: float
    owner: str | None = None
    late: bool = False
    seen: Seen = Seen(0)


def backoff(attempts: int) -> float:
    """Seconds to wait before attempt number `attempts + 1`: 1, 4, 9, 16."""
    return float(attempts * attempts)
