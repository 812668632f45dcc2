"""How a run begins and ends: the claim, the settling from a checkpoint head, postponing, failing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hitl.clock import new_id
from hitl.domain import actions as catalog
from hitl.domain import reviews as rules
from hitl.domain.cases import Case, level_of
from hitl.domain.commands import MAX_ATTEMPTS, SUSPECT_AFTER, Command, backoff
from hitl.domain.events import WORKER, Actor, Fact
from hitl.domain.people import Person, eligible
from hitl.errors import GuardianError
from hitl.store import actions, analyses, cases, commands, policies, reviews
from hitl.store.postgres import Tx


@dataclass(frozen=True, slots=True)
class Head:
    """Where a thread's checkpoints stand: the interrupts it is paused at (id to value), or that it has finished."""

    paused: dict[str, Any] = field(default_factory=dict)
    finished: bool = False
    fresh: bool = False
    round: int = 0


class Suspect(GuardianError):
    """Processes have died while they ran this command; it is to be begun while nothing else runs beside it."""

    slug = "suspect"


def begin(tx: Tx, command_id: int, *, owner: str, serves: Sequence[str], alone: bool = True) -> Command | None:
    """Claim a command; None when there is nothing to do. A command claimed too often fails its case here.

    Suspect, with nothing claimed, when it should run `alone` and does not.
    """
    found = commands.case_of(tx, command_id)
    if found is None:
        return None
    if found["lost"] >= SUSPECT_AFTER and not alone:
        raise Suspect()
    case = cases.lock(tx, found["case_id"])
    command = commands.claim(tx, command_id, owner=owner, serves=serves)
    if command is None:
        return None
    if command.attempts > MAX_ATTEMPTS:
        fail(tx, command, "attempts-used-up", f"The run was begun {MAX_ATTEMPTS} times and never came to its end.")
        return None
    if case.status == "needs_migration":
        case = cases.record(tx, case, [Fact("case_unparked", WORKER, {}, after=case.parked_from)], parked_from=None)
    if case.status == "received":
        cases.record(tx, case, [Fact("analysis_started", WORKER, {"worker": owner}, after="analyzing")])
    return command


def settle(tx: Tx, command: Command, head: Head, people: Sequence[Person]) -> bool:
    """Bring the rows to where the checkpoint stands: open the missing review, or complete the case.

    False when the head is neither paused nor finished: the run has to go on. Settling twice changes nothing.
    """
    case = cases.lock(tx, command.case_id)
    if not head.paused and not head.finished:
        return False
    commands.finish(tx, command, "paused" if head.paused else "finished")
    if head.paused:
        _open_reviews(tx, case, head, people)
    elif case.status not in ("completed", "failed"):
        complete(tx, case)
    return True


def _open_reviews(tx: Tx, case: Case, head: Head, people: Sequence[Person]) -> None:
    facts = _analyzed(tx, case)
    for interrupt_id, value in head.paused.items():
        facts += _open_review(tx, case, interrupt_id, value, people)
    if facts or case.status != "waiting_review":
        facts = facts or [Fact("review_awaited", WORKER, {})]
        facts[-1] = Fact(facts[-1].type, facts[-1].actor, facts[-1].data, after="waiting_review")
        attention = actions.unsettled(tx, case.case_id) > 0
        cases.record(tx, case, facts, needs_attention=attention)


def _analyzed(tx: Tx, case: Case) -> list[Fact]:
    """The event of the first analysis, once, when its outcome becomes visible."""
    analysis = analyses.get(tx, case.case_id) if case.status in ("received", "analyzing") else None
    if analysis is None:
        return []
    found = [{k: c[k] for k in ("policy", "severity", "confidence")} for c in analysis["categories"]]
    data = {
        "suspect": analysis["suspect"],
        "unavailable": analysis["unavailable"],
        "sampled": analysis["sampled"],
        "categories": found,
        "analyzer": analysis["analyzer"],
        "latency_ms": analysis["latency_ms"],
    }
    return [Fact("analyzed", Actor("machine", "analyzer"), data)]


def _open_review(tx: Tx, case: Case, interrupt_id: str, value: Any, people: Sequence[Person]) -> list[Fact]:
    if reviews.by_interrupt(tx, case.case_id, interrupt_id):
        return []
    level = level_of(case.round)
    free = eligible(people, level, case.tenant_id, cases.involved(tx, case.case_id))
    appeal = reviews.appeal_of_round(tx, case.case_id, case.round)
    held = appeal is not None and appeal["on_appeal"] == "hold"
    standing = [row for row in actions.standing(tx, case.case_id) if held and row["reversible"]]
    analysis = analyses.get(tx, case.case_id)
    proposed: list[dict[str, Any]] = list(analysis["proposals"]) if analysis and not standing else []
    policy_set = policies.get(tx, case.tenant_id, case.policy, case.policy_version)
    named = [c["policy"] for c in analysis["categories"]] if analysis else []
    review_id = new_id()
    reviews.open_(
        tx,
        {
            "review_id": review_id,
            "tenant_id": case.tenant_id,
            "case_id": case.case_id,
            "interrupt_id": interrupt_id,
            "round": case.round,
            "level": level,
            "status": "open" if free else "blocked",
            "choices": rules.choices(proposed, standing=bool(standing)),
            "form": value.get("form") if isinstance(value, dict) else None,
            "proposed_actions": proposed,
            "allowed_actions": sorted(rules.allowed_kinds(policy_set, named)),
            "digest": catalog.digest(proposed),
            "hours": policy_set.review_hours,
        },
    )
    data = {"review_id": review_id, "round": case.round, "level": level}
    opened = [Fact("review_opened", WORKER, data)]
    return opened if free else [*opened, Fact("review_blocked", WORKER, data)]


def complete(tx: Tx, case: Case) -> None:
    """The graph has come to its end: say with what outcome."""
    decision = reviews.latest_decision(tx, case.case_id)
    if decision is None:
        outcome = "allowed"
    elif decision["decision"] == "respond":
        outcome = "answered"
    else:
        outcome = "actioned" if actions.standing(tx, case.case_id) else "kept"
    fact = Fact("case_completed", WORKER, {"outcome": outcome, "round": case.round}, after="completed")
    attention = actions.unsettled(tx, case.case_id) > 0
    cases.record(tx, case, [*_analyzed(tx, case), fact], outcome=outcome, needs_attention=attention)


def fail(tx: Tx, command: Command, cause: str, detail: str) -> None:
    """The case has failed, its cause kept (never any user text); an operator can retry it."""
    case = cases.lock(tx, command.case_id)
    commands.finish(tx, command, cause, failed=True)
    given_up(tx, case, command, cause, detail)


def given_up(tx: Tx, case: Case, command: Command, cause: str, detail: str, *, by: Actor = WORKER) -> None:
    """A command of a locked case ended without success: the case has failed, unless only a settling did."""
    if command.kind == "settle":
        _settling_failed(tx, case, command, cause, by)
    else:
        failed(tx, case, cause, detail, by)


def _settling_failed(tx: Tx, case: Case, command: Command, cause: str, by: Actor) -> None:
    actions.stranded(tx, case.case_id)
    reversal = actions.reversal_of(tx, command.ref or "")
    if reversal and reversal["status"] == "planned":
        actions.ended(tx, reversal["action_id"], "refused", cause)
        actions.ended(tx, reversal["reverses"], "reversal_incomplete", cause)
    attention = actions.unsettled(tx, case.case_id) > 0
    cases.record(tx, case, [Fact("settling_failed", by, {"cause": cause})], needs_attention=attention)


def failed(tx: Tx, case: Case, cause: str, detail: str, by: Actor = WORKER) -> None:
    """Mark a locked case as failed; whoever is to be asked about what was on its way is asked."""
    if case.status in ("completed", "failed"):
        return
    actions.stranded(tx, case.case_id)
    attention = actions.unsettled(tx, case.case_id) > 0
    cases.record(
        tx,
        case,
        [Fact("case_failed", by, {"cause": cause}, after="failed")],
        error={"cause": cause, "detail": detail, "was": case.status},
        needs_attention=attention,
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


def settled_actions(tx: Tx, command: Command) -> None:
    """What a person asked to be settled has been done as far as it could be."""
    case = cases.lock(tx, command.case_id)
    commands.finish(tx, command, "settled")
    attention = actions.unsettled(tx, case.case_id) > 0
    cases.record(tx, case, [Fact("actions_settled", WORKER, {"needs_attention": attention})], needs_attention=attention)
