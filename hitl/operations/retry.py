"""An operator tries a failed case again: the command that failed is written anew."""

from typing import Any

from hitl.domain import events
from hitl.domain.cases import WORKING_ON, Case
from hitl.domain.commands import Next
from hitl.domain.events import Actor, Fact
from hitl.errors import Conflict
from hitl.store import actions, cases, commands
from hitl.store.postgres import Tx


def retry(tx: Tx, case_id: str, by: str) -> dict[str, Any]:
    """Return a failed case to what it was doing; Conflict when it has not failed, or an effect is unknown."""
    case = cases.lock(tx, case_id)
    if case.status != "failed":
        raise Conflict(f"Only a failed case can be retried; this one is {case.status}.")
    if any_unknown(tx, case):
        raise Conflict("An action's outcome is unknown: settle it first, so that nothing is done twice.")
    case = carry_on(tx, case, events.person(by))
    return {"case_id": case.case_id, "status": case.status, "version": case.version}


def any_unknown(tx: Tx, case: Case) -> bool:
    """Whether nobody knows if an action of the case's round happened."""
    return any(r["status"] == "unknown" for r in actions.of_round(tx, case.case_id, case.round, "forward"))


def carry_on(tx: Tx, case: Case, actor: Actor) -> Case:
    """Write the failed case's last command anew."""
    last = commands.last(tx, case.case_id)
    assert last is not None, "a case begins with a command"
    status = WORKING_ON[last["kind"]]
    fact = Fact("case_retried", actor, {"command": last["kind"]}, after=status)
    return cases.record(tx, case, [fact], then=Next(last["kind"], last["ref"]), error=None)
