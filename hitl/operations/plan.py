"""Intents: what is to be done or undone, written into the ledger with the decision that wants it."""

from typing import Any

from hitl.clock import new_id
from hitl.domain import actions as catalog
from hitl.domain.cases import Case
from hitl.store import actions
from hitl.store.postgres import DictRow, Tx


def forward(tx: Tx, case: Case, decision_id: str, decided: list[dict[str, Any]]) -> None:
    """Plan the actions of a decision, in its order."""
    actions.plan(tx, [_forward(case, decision_id, n, action) for n, action in enumerate(decided)])


def _forward(case: Case, decision_id: str, ordinal: int, action: dict[str, Any]) -> dict[str, Any]:
    action_id = new_id()
    kind = catalog.KINDS.get(action["kind"])
    return {
        "action_id": action_id,
        "tenant_id": case.tenant_id,
        "case_id": case.case_id,
        "decision_id": decision_id,
        "round": case.round,
        "ordinal": ordinal,
        "direction": "forward",
        "reverses": None,
        "kind": action["kind"],
        "target": action["target"],
        "aspect": catalog.aspect(action["kind"], action["params"], action_id),
        "params": action["params"],
        "reversible": kind.reversible if kind else True,
        "key": f"{action_id}:0",
    }


def undo_standing(tx: Tx, case: Case) -> int:
    """Plan the reversal of everything of this case that stands; how many. Asked twice, it plans once."""
    actions.let_be(tx, case.case_id)
    return _undo(tx, actions.standing(tx, case.case_id))


def undo_untouched(tx: Tx, case: Case, standing: list[DictRow] | None = None) -> int | None:
    """The same for a case that nobody has to look at, by writes that all ride along; None where it takes more.

    `standing` is what stands, where that is known.
    """
    if case.needs_attention:  # something may have to be let be
        return None
    if standing is None:
        standing = actions.standing(tx, case.case_id)
    return None if any(row["undoing"] for row in standing) else _undo(tx, standing)


def undo_applied(tx: Tx, case: Case) -> int:
    """The same, but for what a reversal failed to undo: that is for people to settle, not for a decision to repeat."""
    actions.let_be(tx, case.case_id)
    return _undo(tx, [row for row in actions.standing(tx, case.case_id) if row["status"] == "applied"])


def undo_one(tx: Tx, case: Case, action_id: str) -> None:
    """Plan the reversal of one action of this case, if it stands."""
    _undo(tx, [row for row in actions.standing(tx, case.case_id) if row["action_id"] == action_id])


def _undo(tx: Tx, standing: list[DictRow]) -> int:
    actions.plan(tx, [_reversal(row) for row in standing if row["undoing"] is None])
    for row in standing:
        if row["undoing"] and row["undoing_status"] not in ("planned", "sending"):
            actions.again(tx, row["undoing"], new_key=row["undoing_status"] == "refused")
    return len(standing)


def _reversal(row: DictRow) -> dict[str, Any]:
    """A reversal has the round and the place of what it undoes, so there can be only one."""
    action_id = new_id()
    kept = ("tenant_id", "case_id", "decision_id", "round", "ordinal", "kind", "target", "aspect", "params")
    return {
        **{name: row[name] for name in kept},
        "action_id": action_id,
        "direction": "reverse",
        "reverses": row["action_id"],
        "reversible": row["reversible"],
        "key": f"{action_id}:0",
    }
