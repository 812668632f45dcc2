"""What a run did and has still to write: with its next transaction, or along with the statement that settles it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from hitl.domain.cases import Case
from hitl.domain.events import Fact
from hitl.store.postgres import Tx

Write = Callable[[Tx], list[Fact]]  # writes, and returns the events that belong to it


@dataclass(frozen=True, slots=True)
class Left:
    """One thing that is left to write.

    `write` does it whatever has become of the rows, and what comes next sees it. `along` leaves it to ride along, for
    rows that are as this run left them: nobody sees it before the commit, so the rest says what it changes.
    `analysis`: the case's, which had none, and `case` as it was then. `sent`: an action on its way, which is applied
    then. `undone`: a forward action that does not stand any more.
    """

    write: Write
    along: Write
    analysis: dict[str, Any] | None = None
    case: Case | None = None
    sent: str | None = None
    undone: str | None = None


class Then(NamedTuple):
    """What all that is left to write changes, taken together; each as in Left."""

    analysis: dict[str, Any] | None
    case: Case | None
    sent: set[str]
    undone: set[str]

    def follows_from(self, actions: Iterable[Mapping[str, Any]]) -> bool:
        """Whether all that are `sent` are on their way, of a case whose actions these are."""
        return self.sent <= {one["action_id"] for one in actions if one["status"] == "sending"}

    def changed(self, actions: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """How a case's actions stand then."""
        ends = dict.fromkeys(self.undone, "reversed") | dict.fromkeys(self.sent, "applied")
        return [{**one, "status": ends.get(one["action_id"], one["status"])} for one in actions]


def together(left: Iterable[Left]) -> Then:
    """What several change."""
    found = list(left)
    judged = next((one for one in found if one.analysis is not None), None)
    analysis, case = (judged.analysis, judged.case) if judged else (None, None)
    return Then(analysis, case, {one.sent for one in found if one.sent}, {one.undone for one in found if one.undone})
