"""What nodes may call, handed to them for one run and never checkpointed."""

from dataclasses import dataclass
from typing import Protocol

from hitl.graphs.run import Run


class Ledger(Protocol):
    """The only way to touch the world."""

    def carry_out(self, run: Run, decision_id: str) -> None:
        """Do what a decision wants, each action once."""
        ...

    def reverse(self, run: Run) -> None:
        """Undo what the case has planned to undo, newest first."""
        ...

    def settle(self, run: Run) -> None:
        """Try once more what a person asked for."""
        ...


class Judge(Protocol):
    """Reads the case's content."""

    @property
    def quick(self) -> bool:
        """Whether that takes no longer than a moment."""
        ...

    def analyze(self, run: Run) -> bool:
        """Analyze once; True when people are to be asked."""
        ...


@dataclass(frozen=True, slots=True)
class Work:
    """One run of a command, and the hands to carry it out with."""

    run: Run
    ledger: Ledger
    judge: Judge
