"""One run of one command: its transactions, each under the lease, and what it will write with the next of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from hitl import failpoints
from hitl.domain.cases import Case
from hitl.domain.commands import Command
from hitl.domain.events import Fact
from hitl.errors import Fenced
from hitl.operations.left import Left
from hitl.store import calls, cases, commands
from hitl.store.postgres import DictRow, Store, Tx
from hitl.store.proof import MovedOn


@dataclass(slots=True)
class Step:
    """A transaction of a run: the case is locked, the lease is proved; `facts` become its events at the end."""

    tx: Tx
    case: Case
    facts: list[Fact] = field(default_factory=list)

    def tell(self) -> None:
        """Write the events so far together with the next statement."""
        if self.facts:
            self.case = cases.record_along(self.tx, self.case, self.facts)
            self.facts = []


class Run:
    """What a run may write with. `eager`: its graph stores a checkpoint after each node, so nothing may lag behind.

    `told`: whoever is to hear that a late command has been claimed.
    """

    def __init__(
        self, store: Store, command: Command, *, eager: bool = False, told: Callable[[Command], None] | None = None
    ) -> None:
        self.store = store
        self.command = command
        self._eager, self._told = eager, told
        self._later: list[tuple[str, Left]] = []
        self._moved, self._case = False, command.seen.case

    @property
    def case(self) -> Case | None:
        """The case as this run knows it: as it was when it began, or as putting an action on its way has left it."""
        return self._case

    @property
    def unmoved(self) -> bool:
        """Whether this run has written nothing to its case until now, and has nothing left to write."""
        return not self._moved and not self._later

    def claim(self) -> None:
        """Claim a late command before a write that cannot do that itself; Fenced if its case has moved on."""
        if not self.command.late:
            return
        assert self.command.seen.case is not None, "a late command has seen its case"
        try:
            with self.store.statement() as tx:
                tx.name = "claim"  # passed by the proof
                commands.claim_late(tx, self.command, self.command.seen.case)
        except MovedOn:
            raise Fenced() from None
        self._claimed()

    def _claimed(self) -> None:
        if self.command.late:
            self.command = replace(self.command, late=False)
            if self._told:
                self._told(self.command)

    def sent(self, stood: Case, now: Case) -> None:
        """An action was put on its way, and nothing else done; so the case as it `stood` has become what it is `now`.

        It is not known any more where it stood otherwise than as the run began: what it brought along is older.
        """
        known = self._case is not None and self._case.version == stood.version
        self._case, self._moved = now if known else None, True
        self._claimed()

    @contextmanager
    def step(self, name: str | None = None) -> Iterator[Step]:
        """A transaction under the run's lease; Fenced when it has none any more."""
        self.claim()
        with self.store.transaction(name) as tx:
            step = self._enter(tx)
            yield step
            _leave(step)
        self.caught_up()

    @contextmanager
    def sending(self, action_id: str) -> Iterator[tuple[Step, DictRow]]:
        """A step that begins with putting an action on its way, and that action as it was; TargetBusy if it cannot."""
        self.claim()
        with self.store.transaction() as tx:
            if self._later:  # what is left to write may free the target
                step, row = self._enter(tx), calls.send(tx, action_id)
            else:
                case, row = calls.enter_and_send(tx, self.command, action_id)
                step = Step(tx, case)
            yield step, row
            _leave(step)
        self.caught_up()

    def _enter(self, tx: Tx) -> Step:
        step = Step(tx, commands.enter(tx, self.command))
        step.facts += self.catch_up(tx)
        return step

    @property
    def left(self) -> list[Left]:
        """What is left to write."""
        return [left for _, left in self._later]

    def later(self, left: Left, name: str) -> None:
        """Write this with the run's next transaction: a crash before it is a crash before its node had run."""
        self._later.append((name, left))
        if self._eager:
            self.write_now()

    def write_now(self) -> None:
        """Write what is left to write."""
        if self._later:
            with self.step():
                pass

    def catch_up(self, tx: Tx) -> list[Fact]:
        """Write what is left to write, in a transaction that has proved the lease; the events that belong to it."""
        facts: list[Fact] = []
        for name, left in self._later:
            facts += left.write(tx)
            failpoints.hit(f"before_commit:{name}")
        return facts

    def ride_along(self, tx: Tx) -> list[Fact]:
        """The same with the next statement, which proves the lease itself."""
        facts: list[Fact] = []
        for name, left in self._later:
            facts += left.along(tx)
            failpoints.hit(f"before_commit:{name}")
        return facts

    def caught_up(self) -> None:
        """That transaction has been committed."""
        written, self._later, self._moved, self._case = self._later, [], True, None
        for name, _ in written:
            failpoints.hit(f"after_commit:{name}")


def _leave(step: Step) -> None:
    step.tx.flush()  # what was done to the case's actions counts
    step.tell()
