"""How a run begins and ends: the claim, the settling from a checkpoint head, postponing, failing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hitl.domain.cases import Case
from hitl.domain.commands import MAX_ATTEMPTS, SUSPECT_AFTER, Command, backoff
from hitl.domain.events import WORKER, Actor, Fact
from hitl.domain.people import Person
from hitl.errors import GuardianError
from hitl.operations import openings, outcomes
from hitl.operations.left import Left, Then, together
from hitl.store import actions, cases, claims, commands, reviews
from hitl.store.postgres import DictRow, Tx


@dataclass(frozen=True, slots=True)
class Head:
    """Where a thread's checkpoints stand: the interrupts it is paused at (id to value), or that it has finished."""

    paused: dict[str, Any] = field(default_factory=dict)
    finished: bool = False
    fresh: bool = False
    round: int = 0

    @property
    def result(self) -> str:
        """What is said of a command that ended there."""
        return "paused" if self.paused else "finished"


class Suspect(GuardianError):
    """Processes have died while they ran this command; it is to be begun while nothing else runs beside it."""

    slug = "suspect"


def begin(
    tx: Tx, command_id: int, *, owner: str, serves: Sequence[str], alone: bool = True, quick: bool = False
) -> Command | None:
    """Claim a command; None when there is nothing to do. A command claimed too often fails its case here.

    Suspect, with nothing claimed, when it should run `alone` and does not. That an analysis has begun is told at once,
    unless it is a `quick` one, of which both ends are told together.
    """
    found = claims.approach(tx, command_id)
    if found is None:
        return None
    case, lost = found
    if lost >= SUSPECT_AFTER and not alone:
        raise Suspect()
    command = claims.claim(tx, command_id, owner=owner, serves=serves)
    if command is None:
        return None
    if command.attempts > MAX_ATTEMPTS:
        fail(tx, command, "attempts-used-up", f"The run was begun {MAX_ATTEMPTS} times and never came to its end.")
        return None
    if command.kind == "settle":
        return command
    if case.status == "needs_migration":
        case = cases.record(tx, case, [Fact("case_unparked", WORKER, {}, after=case.parked_from)], parked_from=None)
    if case.status == "received" and not quick:
        cases.record(tx, case, [openings.started(owner)])
    return command


def settle(
    tx: Tx, command: Command, head: Head, people: Sequence[Person], *, first: Callable[[Tx], list[Fact]] | None = None
) -> bool:
    """Bring the rows to where the checkpoint stands: open the missing review, or complete the case.

    `first` writes what the run has still to write, under the lease and in the same transaction; its events come before.
    False when the head is neither paused nor finished: the run has to go on. Settling twice changes nothing.
    """
    if not head.paused and not head.finished:
        return False
    case = commands.finish(tx, command, head.result)
    told = first(tx) if first else []
    if head.paused:
        seen = reviews.basis(tx, case.case_id)
        missing = openings.missing(tx, case, head.paused, people, seen)
    elif case.open:
        seen, missing = reviews.end(tx, case.case_id), []
    else:
        if told:
            cases.record(tx, case, told)
        return True
    told = [*openings.analyzed(case, seen["analysis"], command.owner), *told]
    facts, changes = (openings.open_(tx, case, missing, told), {}) if head.paused else _completed(case, seen, told)
    if facts:
        cases.record_together(tx, case, facts, **changes)
    return True


def settle_alone(
    tx: Tx,
    command: Command,
    head: Head,
    people: Sequence[Person],
    *,
    known: Case | None,
    left: Sequence[Left],
    first: Callable[[Tx], list[Fact]],
) -> bool:
    """The same by a statement that is its own transaction; False, and nothing done, where it takes more.

    It stands on what the claim saw, if the run has done nothing since but put actions on their way: `known` is the case
    as it has been since. Else the case is looked at before. `left` is what the run has still to write, and `first` has
    it ride along. Raises MovedOn, with nothing done, where the case has moved on behind that, or the lease is lost.
    """
    then = together(left)
    case, seen = _seen(tx, command, head, then, known)
    if not _usual(case, head, seen, then):
        return False
    seen = {**seen, "analysis": seen["analysis"] or then.analysis, "actions": then.changed(seen["actions"])}
    # It may have to read a policy set. Whatever reads takes riders along, so nothing may ride before.
    missing = openings.missing(tx, case, head.paused, people, seen) if head.paused else []
    tx.name = "settle"
    told = first(tx)
    told = [*openings.analyzed(case, seen["analysis"], command.owner), *told]
    facts, changes = (openings.open_(tx, case, missing, told), {}) if head.paused else _completed(case, seen, told)
    cases.record_along(tx, case, facts, **changes)
    commands.finish_alone(tx, command, case, head.result)
    return True


def _seen(tx: Tx, command: Command, head: Head, then: Then, known: Case | None) -> tuple[Case, DictRow]:
    """The case with its basis or its end, not locked; of a new one it is known."""
    if then.case and then.case.new:
        return then.case, reviews.of_new(then.case)
    follows = command.seen.follows
    if known and follows and bool(head.paused) is ("opened" in follows):
        return known, {**follows, "actions": _sent(follows["actions"], then)}
    see = reviews.see_basis if head.paused else reviews.see_end
    return see(tx, command.case_id)


def _sent(its: Sequence[DictRow], then: Then) -> list[DictRow]:
    """A case's actions as its claim saw them, those of this run on their way: nobody else has changed them since.

    Whether that is so is proved by the settling statement, through the case's version, and not by `Then.follows_from`.
    """
    return [{**one, "status": "sending"} if one["action_id"] in then.sent else one for one in its]


def _usual(case: Case, head: Head, seen: DictRow, then: Then) -> bool:
    """Whether there is something to tell, and all of it follows from what was seen and what is left to write.

    Whether an action needs a person is derived from rows where what rides along is not seen; nothing that is left to
    write begins that need, but it may end it.
    """
    opens = head.paused.keys() - set(seen["opened"]) if head.paused else ()
    return (
        bool(opens or head.finished)
        and case.open
        and case.status != "needs_migration"
        and not case.needs_attention
        and then.follows_from(seen["actions"])
        and (then.analysis is None or seen["analysis"] is None)
    )


def _completed(case: Case, end: DictRow, told: Sequence[Fact]) -> tuple[list[Fact], dict[str, Any]]:
    """What there is to tell of a graph that has come to its end, and what changes with it."""
    outcome = outcomes.of(end)
    fact = Fact("case_completed", WORKER, {"outcome": outcome, "round": case.round}, after="completed")
    return [*told, fact], {"outcome": outcome}


def fail(tx: Tx, command: Command, cause: str, detail: str) -> None:
    """The case has failed, its cause kept (never any user text); an operator can retry it."""
    tx.name = tx.name or "fail"
    case = commands.finish(tx, command, cause, failed=True)
    given_up(tx, case, command, cause, detail)


def given_up(tx: Tx, case: Case, command: Command, cause: str, detail: str, *, by: Actor = WORKER) -> None:
    """A command of a locked case ended without success: the case has failed, unless only a settling did."""
    if command.kind == "settle":
        _settling_failed(tx, case, command, cause, by)
    else:
        failed(tx, case, cause, detail, by)


def _settling_failed(tx: Tx, case: Case, command: Command, cause: str, by: Actor) -> None:
    actions.stranded(tx, case.case_id)
    reversal, forward = actions.reversal_of(tx, command.ref or ""), actions.get(tx, command.ref or "")
    if reversal and reversal["status"] == "planned":
        actions.ended(tx, reversal["action_id"], "refused", cause)
        actions.ended(tx, reversal["reverses"], "reversal_incomplete", cause)
    if forward and forward["status"] == "planned":
        actions.ended(tx, forward["action_id"], "refused", cause, attention=True)
    outcomes.follow(tx, case, [Fact("settling_failed", by, {"cause": cause})])


def failed(tx: Tx, case: Case, cause: str, detail: str, by: Actor = WORKER) -> None:
    """Mark a locked case as failed; whoever is to be asked about what was on its way is asked."""
    if case.status in ("completed", "failed"):
        return
    actions.stranded(tx, case.case_id)
    cases.record(
        tx,
        case,
        [Fact("case_failed", by, {"cause": cause}, after="failed")],
        error={"cause": cause, "detail": detail, "was": case.status},
        parked_from=None,
    )


def again_later(tx: Tx, command: Command, cause: str, detail: str) -> bool:
    """A run broke off: try it again after a while, or fail the case when its attempts are used up. True: again."""
    if command.attempts >= MAX_ATTEMPTS:
        fail(tx, command, cause, detail)
        return False
    commands.put_back(tx, command, delay=backoff(command.attempts), counted=True)
    return True


def postpone(tx: Tx, command: Command, seconds: float) -> None:
    """The analyzer asked to wait; this does not count as an attempt."""
    commands.put_back(tx, command, delay=seconds, counted=False, postponed=True)


def wait_for_target(tx: Tx, command: Command, seconds: float) -> None:
    """Another case is acting on the same target; this does not count as an attempt."""
    commands.put_back(tx, command, delay=seconds, counted=False)


def hand_back(tx: Tx, command: Command) -> None:
    """This process stops: somebody else may have the command at once."""
    commands.put_back(tx, command, delay=0, counted=False)


def settled_actions(tx: Tx, command: Command, *, first: Callable[[Tx], list[Fact]]) -> None:
    """What a person asked to be settled has been done as far as it could be; `first` as in `settle`."""
    tx.name = "settled_actions"
    case = commands.finish(tx, command, "settled")
    facts = first(tx)
    data = {"needs_attention": actions.unsettled(tx, case.case_id) > 0}
    outcomes.follow(tx, case, [*facts, Fact("actions_settled", WORKER, data)])
