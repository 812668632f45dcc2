"""Rows of `actions`: the ledger of everything done to the world, and of its undoing."""

from collections.abc import Sequence
from typing import Any

from hitl.domain import actions as catalog
from hitl.store.postgres import DictRow, Jsonb, Tx

STANDING = "({})".format(", ".join(f"'{status}'" for status in sorted(catalog.STANDING)))
# Said of the actions of a case: no index of all forward actions is a way to these, though it looks like one to Postgres
# in a young database.
FORWARD = "{}reverses is null"
# Of an action `a`: whether a person has to look at it.
UNSETTLED = "(a.status in ('unknown', 'conflict', 'reversal_incomplete') or a.attention)"
# Of an action `a`: the versions of all other forward actions on its aspect. Whatever we do to an aspect changes one of
# them: a call that is made, and the end of a call that reverses.
UNTOUCHED = """coalesce((select md5(string_agg(other.xmin::text, ' ' order by other.action_id)) from actions other
    where (other.tenant_id, other.target, other.aspect) = (a.tenant_id, a.target, a.aspect)
    and other.direction = 'forward' and other.action_id <> a.action_id), '')"""
# The same while none of ours is on its way to the target, else null.
SEEN = f"""case when not exists (select 1 from on_their_way s where s.tenant_id = a.tenant_id and s.target = a.target)
    then {UNTOUCHED} end as untouched"""
# Of a reversal `a`: what it is about to release. `shared`: another action holds the aspect; `restore`: what to put
# back; `told`: somebody told what our newest call left on the aspect, namely `left`.
RELEASE = f"""undone.before as restore, newest.after as left, coalesce(newest.after is not null, false) as told,
    exists (select 1 from actions other where (other.tenant_id, other.target, other.aspect)
        = (undone.tenant_id, undone.target, undone.aspect) and other.direction = 'forward'
        and other.status in {STANDING} and other.action_id <> undone.action_id) as shared"""
RELEASING = """actions a join actions undone on undone.action_id = a.reverses left join lateral (
    select after from actions n where (n.tenant_id, n.target, n.aspect)
        = (undone.tenant_id, undone.target, undone.aspect) and n.direction = 'forward'
        and n.applied_at is not null order by n.applied_at desc limit 1) newest on true"""


def plan(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    """Write intents down with the next statement; each starts as planned."""
    if rows:
        tx.along(
            """insert into actions (action_id, tenant_id, case_id, decision_id, round, ordinal, direction, reverses,
                                    kind, target, aspect, params, reversible, status, key)
            select action_id, tenant_id, case_id, decision_id, round, ordinal, direction, reverses,
                   kind, target, aspect, params, reversible, 'planned', key
            from jsonb_populate_recordset(null::actions, %s)""",
            (Jsonb(list(rows)),),
        )


def of_round(tx: Tx, case_id: str, round_: int, direction: str) -> list[DictRow]:
    """The actions of a round in the order in which they are to be done."""
    return tx.all(
        "select * from actions where case_id = %s and round = %s and direction = %s order by ordinal",
        (case_id, round_, direction),
    )


def get(tx: Tx, action_id: str) -> DictRow | None:
    """One action."""
    return tx.one("select * from actions where action_id = %s", (action_id,))


def reversal_of(tx: Tx, action_id: str) -> DictRow | None:
    """The action that undoes the given one."""
    return tx.one("select * from actions where reverses = %s", (action_id,))


def standing(tx: Tx, case_id: str) -> list[DictRow]:
    """The case's forward actions whose effects stand, newest first; with `undoing` and `undoing_status`, if any.

    These are of the action that undoes it, or tried to.
    """
    return tx.all(
        f"""select a.*, r.action_id as undoing, r.status as undoing_status
        from actions a left join actions r on r.reverses = a.action_id
        where a.case_id = %s and {FORWARD.format("a.")} and a.status in {STANDING}
        order by a.round desc, a.ordinal desc""",
        (case_id,),
    )


APPLIED = """update actions set status = 'applied', reference = %(reference)s, after = %(after)s, applied_at = now(),
        error = null
    where action_id = %(id)s and status <> 'applied'"""
GONE = """update actions a set status = case when %(gone)s then 'reversed' else 'irreversible' end,
        reversed_at = case when %(gone)s then now() else a.reversed_at end,
        error = case when %(gone)s then a.error end, attention = a.attention and %(gone)s"""


def applied(tx: Tx, action_id: str, *, reference: str | None, after: Any) -> bool:
    """The effect is there; False when that was known, or the action ended otherwise."""
    values = {"id": action_id, "reference": reference, "after": Jsonb(after)}
    return tx.one(f"{APPLIED} returning 1 as ok", values) is not None


def applied_along(tx: Tx, action_id: str, *, reference: str | None, after: Any) -> None:
    """The same, with the next statement, of an action that is on its way."""
    tx.along(APPLIED, {"id": action_id, "reference": reference, "after": Jsonb(after)})


def took_back(tx: Tx, action_id: str, *, reference: str | None, after: Any, gone: bool) -> bool:
    """A reversal was applied: what it undid is reversed if that is `gone`, else irreversible. False as in `applied`."""
    row = tx.one(
        f"with done as ({APPLIED} returning reverses) {GONE} from done where a.action_id = done.reverses"
        " returning 1 as ok",
        {"id": action_id, "reference": reference, "after": Jsonb(after), "gone": gone},
    )
    return row is not None


def gone_along(tx: Tx, action_id: str, *, gone: bool) -> None:
    """What an applied reversal has undone, with the next statement."""
    tx.along(f"{GONE} where a.action_id = %(id)s", {"id": action_id, "gone": gone})


def happened(tx: Tx, action_id: str) -> None:
    """A person found that the effect is there; what it left was never told."""
    tx.execute(
        "update actions set status = 'applied', applied_at = now(), error = null where action_id = %s", (action_id,)
    )


def reversed_(tx: Tx, action_id: str) -> None:
    """The effect of a forward action is gone, or no longer ours."""
    tx.execute("update actions set status = 'reversed', reversed_at = now() where action_id = %s", (action_id,))


def ended(tx: Tx, action_id: str, status: str, error: str | None, *, attention: bool = False) -> None:
    """An attempt ended without being applied: refused, unknown, conflict, reversal_incomplete or irreversible.

    `attention`: nothing else says that a person has to look at it.
    """
    tx.execute(
        "update actions set status = %s, error = %s, attention = %s where action_id = %s",
        (status, error, attention, action_id),
    )


def again(tx: Tx, action_id: str, *, new_key: bool) -> None:
    """Plan an action once more; a new key only when the last attempt was refused for certain.

    A forward action keeps its before-image; a reversal looks at its target again, and may overwrite nothing.
    """
    tx.execute(
        """update actions set status = 'planned', error = null, tries = tries + 1, attention = false, overwrite = false,
            called = called and direction = 'forward' and not %(new)s,
            key = case when %(new)s then action_id::text || ':' || (tries + 1) else key end
        where action_id = %(id)s""",
        {"id": action_id, "new": new_key},
    )


def stranded(tx: Tx, case_id: str) -> None:
    """What was on its way when a run was given up is still to be done if no call was made, else of unknown outcome."""
    why = "the run ended while this was on its way"
    tx.execute(
        "update actions set status = 'planned' where case_id = %s and status = 'sending' and not called", (case_id,)
    )
    tx.execute(
        """update actions undone set status = 'reversal_incomplete', error = %s from actions r
        where r.case_id = %s and r.status = 'sending' and r.reverses = undone.action_id""",
        (why, case_id),
    )
    tx.execute(
        "update actions set status = 'unknown', error = %s where case_id = %s and status = 'sending'", (why, case_id)
    )


def drop_planned(tx: Tx, case_id: str) -> None:
    """What a round had still to do is not done any more, with the next statement: the case is rolled back."""
    tx.along(
        f"""update actions set status = 'refused', error = 'the case was rolled back before this was done'
        where case_id = %s and {FORWARD.format("")} and status = 'planned'""",
        (case_id,),
    )


def let_be(tx: Tx, case_id: str) -> None:
    """What was refused needs no look any more, with the next statement: what wanted it is undone."""
    tx.along(
        "update actions set attention = false where case_id = %s and attention and status <> 'planned'", (case_id,)
    )


def unsettled(tx: Tx, case_id: str) -> int:
    """How many actions of the case a person must settle."""
    row = tx.one(f"select count(*) as n from actions a where a.case_id = %s and {UNSETTLED}", (case_id,))
    return int(row["n"]) if row else 0


def forced(tx: Tx, action_id: str, *, overwrite: bool) -> None:
    """A person says whether a reversal may overwrite what a third party changed."""
    tx.execute("update actions set overwrite = %s where action_id = %s", (overwrite, action_id))


def settled_by(tx: Tx, row: DictRow, person: str, outcome: str, reason: str) -> None:
    """Keep who ended what the machine could not, how and why."""
    tx.execute(
        "insert into settlements (tenant_id, action_id, person, outcome, reason) values (%s, %s, %s, %s, %s)",
        (row["tenant_id"], row["action_id"], person, outcome, reason),
    )
