"""What a case looks like from outside."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from api.schemas.requests import Closed, SettleOutcome
from hitl.domain.actions import Status as ActionStatus
from hitl.domain.cases import Outcome, Status


class Accepted(Closed):
    """A case under way."""

    case_id: str
    status: Status
    version: int


class Started(Accepted):
    """A case under way, and where to look."""

    status_url: str


class Decided(Accepted):
    """A decision, or a vote when more are needed (`decision_id` is null then)."""

    review_id: str
    decision_id: str | None


class Settled(Accepted):
    """An action settled."""

    action_id: str


class Evidence(Closed):
    """content[start:end], in Unicode code points."""

    start: int
    end: int


class Category(Closed):
    """How strongly one policy applies; `confidence` and `evidence` are for moderators."""

    policy: str
    severity: int = Field(ge=0, le=4)
    confidence: float | None = Field(None, ge=0, le=1)
    evidence: list[Evidence] | None = None


class Verdict(Closed):
    """What the analyzer found; the rationale is for moderators."""

    suspect: bool
    unavailable: bool = False
    sampled: bool = False
    sensitive: bool = Field(False, description="Hide the text until somebody asks for it.")
    urgency: int = Field(0, description="The strongest urgency of the broken policies; for sorting.")
    categories: list[Category]
    rationale: str | None = None
    to_people: str | None = None
    analyzer: str | None = None


class Planned(Closed):
    """An action as proposed or decided."""

    kind: str
    target: str
    params: dict[str, Any]


class Choice(Closed):
    """A button: show the label, send the decision."""

    decision: Literal["approve", "edit", "reject", "respond"]
    label: str
    effects: list[str]


class Vote(Closed):
    """One person's answer."""

    person: str
    choice: str
    at: datetime


class Review(Closed):
    """One pause of a case for people; votes are for moderators."""

    review_id: str
    round: int
    level: int
    status: Literal["open", "decided", "superseded", "expired", "blocked"]
    choices: list[Choice]
    form: dict[str, Any] | None
    proposed_actions: list[Planned]
    allowed_actions: list[str] = Field(description="The kinds that an edit may name while its policies are these.")
    deadline_at: datetime | None
    quorum: int
    votes: list[Vote] | None = None


class Decision(Closed):
    """How the last review ended; who decided and private notes are for moderators."""

    decision_id: str
    review_id: str
    round: int
    decision: str
    by: str | None
    at: datetime
    reason: str | None
    private_note: str | None = None
    response: str | None
    policies: list[str]
    actions: list[Planned]


class Settlement(Closed):
    """How a person ended what the machine could not."""

    person: str
    outcome: SettleOutcome
    reason: str
    at: datetime


class Done(Closed):
    """An action or, when `reverses` names one, its reversal; how it was settled is for moderators."""

    action_id: str
    kind: str
    target: str
    params: dict[str, Any]
    round: int
    direction: Literal["forward", "reverse"]
    status: ActionStatus
    reverses: str | None
    reversible: bool
    error: str | None
    applied_at: datetime | None
    reversed_at: datetime | None
    needs_attention: bool = Field(description="Whether a supervisor has to settle it: POST /actions/{id}/settle.")
    settlements: list[Settlement] | None = None


class Appeal(Closed):
    """Who asked for a rollback, and why."""

    round: int
    kind: Literal["appeal", "order"]
    on_appeal: Literal["reverse", "hold"]
    by: str | None
    reason: str
    at: datetime


class Case(Closed):
    """A case as /status shows it."""

    case_id: str
    status: Status
    outcome: Outcome | None
    needs_attention: bool
    version: int
    content_id: str
    author_id: str
    graph: str
    graph_version: str
    policy: str
    policy_version: str
    round: int
    priority: int
    supersedes: str | None
    verdict: Verdict | None
    review: Review | None
    reviews: list[Review]
    decision: Decision | None
    actions: list[Done]
    appeal: Appeal | None
    error: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime


class WholeCase(Case):
    """A case with its text; `target_state` (post and author → aspects, null when unreadable) is for moderators."""

    content: str | None = Field(description="Null once it was erased.")
    context: dict[str, Any] | None
    target_state: dict[str, dict[str, Any] | None] | None = None


class Page(Closed):
    """Cases, newest first."""

    cases: list[Case]
    next_cursor: str | None
