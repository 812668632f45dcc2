"""What nodes may call, handed to them for one run and never checkpointed."""

from dataclasses import dataclass
from typing import Protocol

from hitl.domain.commands import Command


class Ledger(Protocol):
    """The only way to touch the world."""

    def carry_out(self, command: Command, decision_id: str) -> None:
        """Do what a decision wants, each action once."""
        ...

    def reverse(self, command: Command) -> None:
        """Undo what the case has planned to undo, newest first."""
        ...


class Judge(Protocol):
    """Reads the case's content."""

    def analyze(self, command: Command) -> bool:
        """Analyze once; True when people are to be asked."""
        ...


@dataclass(frozen=True, slots=True)
class Work:
    """One run: the command that it carries out, and the hands to do it with."""

    command: Command
    ledger: Ledger
    judge: Judge
