"""Who acts: roles, what they may do, and who must stay away from a case."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from hitl.errors import ConflictOfInterest, Refused

Role = Literal["author", "moderator", "supervisor", "admin", "service"]
LADDER: tuple[Role, ...] = ("author", "moderator", "supervisor", "admin")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody (or a backend) known by a token; roles cumulate up the ladder, `service` stands beside it."""

    id: str
    roles: frozenset[str]
    tenant: str = "default"

    def has(self, role: Role) -> bool:
        """Whether this person holds the role, or one above it on the ladder."""
        if role not in LADDER:
            return role in self.roles
        return any(above in self.roles for above in LADDER[LADDER.index(role) :])

    @property
    def staff(self) -> bool:
        """Moderators and up see what authors do not."""
        return self.has("moderator")


def role_for(level: int) -> Role:
    """The role that decides reviews of a level: 1 moderators, 2 supervisors."""
    return "supervisor" if level >= 2 else "moderator"


def permit(person: Person, role: Role) -> None:
    """Refuse a person who lacks the role."""
    if not person.has(role):
        raise Refused(f"This takes the role {role}; you have {', '.join(sorted(person.roles)) or 'none'}.")


def keep_apart(person: Person, involved: Iterable[str]) -> None:
    """Refuse a person who wrote, appealed, ordered reversed or decided the case before."""
    if person.id in set(involved):
        raise ConflictOfInterest()


def eligible(people: Iterable[Person], level: int, tenant: str, involved: Iterable[str]) -> bool:
    """Whether anybody is left who may decide a review of that level."""
    away = set(involved)
    return any(p.tenant == tenant and p.has(role_for(level)) and p.id not in away for p in people)
