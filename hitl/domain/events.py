"""What happened, past tense: the audit trail and the live stream. Data holds ids, enums and numbers, never text."""

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a person, or a part of the machine."""

    kind: Literal["person", "machine"]
    id: str


WORKER = Actor("machine", "worker")
UPKEEP = Actor("machine", "upkeep")


def person(person_id: str) -> Actor:
    """A person as the actor of an event."""
    return Actor("person", person_id)


@dataclass(frozen=True, slots=True)
class Fact:
    """An event before it has its number; `after` is the case's new status when it changes."""

    type: str
    actor: Actor
    data: dict[str, Any] = field(default_factory=dict)
    after: str | None = None
