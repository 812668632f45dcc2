"""What a case should be, in a hundred lines: no checkpoints, no leases, no broker, nobody dies."""

from dataclasses import dataclass, field

PER_KIND = {"remove_content", "suspend_author"}  # held once, however many decisions hold it
Decision = tuple[str, frozenset[str]]


class Stale(Exception):
    """The model says that this must be refused as a conflict."""


@dataclass
class ModelCase:
    """One case: where it stands, what it holds, what is still to be carried out."""

    status: str = "received"
    round: int = 1
    todo: str | None = "start"
    decided: Decision | None = None
    standing: list[str] = field(default_factory=list)
    opened_by: str | None = None
    unknown: str | None = None
    left: list[str] = field(default_factory=list)

    def decide(self, decision: str, kinds: frozenset[str]) -> None:
        """A person decides the open review."""
        if self.status != "waiting_review":
            raise Stale
        self.decided, self.status, self.todo = (decision, kinds), "executing", "resume"
        self.left = sorted(kinds, key=lambda k: (k == "notify_author", k))

    def rollback(self, by: str) -> None:
        """The author appeals, or a supervisor orders."""
        reversible = [k for k in self.standing if k != "notify_author"]
        if self.status not in ("completed", "failed") or not reversible:
            raise Stale
        if by == "appeal" and self.opened_by == "appeal":
            raise Stale
        self.status, self.todo, self.opened_by = "rolling_back", "rollback", by
        self.round, self.left = self.round + 1, []

    def deliver(self) -> None:
        """What is to be done is done, however often it took."""
        if self.todo in ("start", "rollback"):
            self.standing = [] if self.todo == "rollback" else self.standing
            self.status = "waiting_review"
        elif self.todo == "resume":
            self.standing += self.left
            self.left, self.status = [], "completed"
        self.todo = None

    def lose(self, *, happened: bool) -> None:
        """The first action's answer is lost, and nobody can say whether it happened."""
        self.unknown, self.status, self.todo = ("happened" if happened else "lost"), "failed", None

    def settle(self, outcome: str) -> None:
        """A person says what became of it; the rest goes on."""
        if self.unknown is None:
            raise Stale
        first = self.left.pop(0)
        if outcome == "retry":
            self.left.insert(0, first)
        elif outcome == "happened":
            self.standing.append(first)
        self.unknown, self.status, self.todo = None, "executing", "resume"

    @property
    def outcome(self) -> str | None:
        """What a completed case came to."""
        if self.status != "completed":
            return None
        return "actioned" if self.standing else "kept"


def shown(cases: list[ModelCase]) -> list[str]:
    """The aspects that an author who wrote all of these must show."""
    held = [k for c in cases for k in c.standing if k not in ("notify_author", "remove_content")]
    return sorted([k for k in held if k not in PER_KIND] + list({k for k in held if k in PER_KIND}))
