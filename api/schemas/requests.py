"""What callers send."""

from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

MAX_CONTEXT = 16_384  # bytes of JSON

Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(max_length=2000)]
Decision = Literal["approve", "edit", "reject", "respond"]
SettleOutcome = Literal["happened", "did_not_happen", "retry", "overwrite", "leave"]
PolicyIds = Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=100)]], Field(max_length=20)]


def _small(value: dict[str, Any]) -> dict[str, Any]:
    if len(orjson.dumps(value)) > MAX_CONTEXT:
        raise ValueError(f"is larger than {MAX_CONTEXT} bytes of JSON")
    return value


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 5.0 is the integer 5."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Small = Annotated[dict[str, Any], AfterValidator(_small)]


class Closed(BaseModel):
    """A body that takes no other fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Start(Closed):
    """A post to moderate."""

    content: Annotated[str, StringConstraints(min_length=1, max_length=20_000)] = Field(
        description="The text, as its readers would see it."
    )
    content_id: Id | None = Field(None, description="Your id of the post; the same text under the same id is one case.")
    author_id: Id | None = Field(None, description="Who wrote it; a service names anybody, an author only themselves.")
    context: Small = Field({}, description="What your moderators should know: at most 16 kB of JSON, 32 levels deep.")
    policy: Id | None = Field(None, description="The policy set to judge by; left out, the default.")
    priority: Annotated[int, Field(ge=0, le=9), BeforeValidator(_whole)] = Field(5, description="9 is most urgent.")
    graph: Id = Field("moderation", description="Which registered graph runs.")


class Action(Closed):
    """Something to do instead of what was proposed: on the post or its author."""

    kind: Id = Field(description="One of the kinds that the decision's policies allow.")
    target: Annotated[str, StringConstraints(min_length=1, max_length=210)] | None = Field(
        None, description="`post:<content_id>` or `author:<author_id>` of this case; left out, the kind says it."
    )
    on: Literal["post", "author"] | None = Field(None, description="The same, without naming ids.")
    params: Small = Field({}, description="What the kind needs, for example `days` or `label`.")


class Resume(Closed):
    """A moderator's decision."""

    case_id: Id
    review_id: Id
    decision: Decision = Field(
        description="approve: do what is proposed; edit: do `actions` instead; reject: do nothing; respond: answer."
    )
    actions: Annotated[list[Action], Field(max_length=20)] | None = None
    response: Annotated[str, StringConstraints(max_length=20_000)] | None = Field(
        None, description="The answer that goes back to the agent."
    )
    reason: Text | None = Field(None, description="Public; needed for approve and edit.")
    policies: PolicyIds | None = Field(None, description="What the decision stands on; left out, the verdict's.")
    private_note: Text | None = Field(None, description="For moderators alone.")


class Rollback(Closed):
    """An appeal, or a supervisor's order."""

    case_id: Id
    reason: Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class Settle(Closed):
    """How an action ends that is unknown, was refused, is in conflict or could not be undone."""

    outcome: SettleOutcome = Field(
        description="happened, did_not_happen: what you found on the platform; retry: try it again; overwrite: undo it"
        " although somebody else changed it since; leave: nothing more is to be done."
    )
    reason: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
