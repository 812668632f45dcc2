"""Rows of `cases`: written under the row's lock, each visible change together with its events."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hitl.domain.cases import AT_REST, Case
from hitl.domain.commands import FAR, Next
from hitl.domain.events import Fact
from hitl.errors import Missing
from hitl.store.actions import UNSETTLED
from hitl.store.excess import mark
from hitl.store.notify import Change, Due
from hitl.store.policies import NEWEST
from hitl.store.postgres import DictRow, Jsonb, Tx
from hitl.store.proof import proving

COLUMNS = """case_id, tenant_id, content_id, author_id, started_by, graph, graph_version, policy, policy_version,
    status, outcome, parked_from, needs_attention, version, round, priority, error, current, supersedes,
    created_at, updated_at"""


INVOLVED = """select unnest(array[author_id, started_by]) as person from cases where case_id = %(id)s
    union all select by_person from appeals where case_id = %(id)s
    union all select decided_by from decisions where case_id = %(id)s
    union all select v.person from reviews voted join votes v using (review_id) where voted.case_id = %(id)s
          and voted.status = 'decided'"""
_NAMES = tuple(name.strip() for name in COLUMNS.split(","))
MINE = ", ".join(f"mine.{name} as mine_{name}" for name in _NAMES)  # beside columns of other tables
AS_MINE = ", ".join(f"{name} as mine_{name}" for name in _NAMES)
OF_MINE = ", ".join(f"mine.mine_{name}" for name in _NAMES)
# Derived, never told: nobody can forget it.
NEEDS_ATTENTION = f"exists (select 1 from actions a where a.case_id = cases.case_id and {UNSETTLED})"
DERIVED = f"needs_attention = {NEEDS_ATTENTION}, updated_at = now(), cleared = 0"  # with whatever is told of a case
FOLLOW = """insert into commands (tenant_id, case_id, kind, graph, graph_version, ref, priority)
    select %(tenant)s, %(case_id)s, %(kind)s, %(graph)s, %(graph_version)s, %(ref)s, %(priority)s"""
TELL = """insert into events (case_id, seq, tenant_id, type, actor_kind, actor_id, before, after, data)
    select %(case_id)s, %(from)s + e.n, %(tenant)s, e.type, e.actor_kind, e.actor_id, e.before, e.after, e.data
    from jsonb_to_recordset(%(facts)s) as e(n bigint, type text, actor_kind text, actor_id text,
                                            before text, after text, data jsonb)"""
SEE = f"select {MINE}, seen.* from cases mine left join lateral ({{}}) seen on true where mine.case_id = %(id)s"
SEEN = f"""with mine as materialized (select {COLUMNS} from cases where case_id = %(id)s for update)
    select {MINE}, seen.*, mine.version = (select version from cases where case_id = %(id)s) as still
    from mine left join lateral ({{}}) seen on true"""
# Before anything that rides along: the row is locked, as everywhere, and if it has moved on nothing at all is done.
STILL = "select 1 / (version = %(seen)s)::int as still from cases where case_id = %(id)s for update"
STILL_AND_FOLLOW = f"with still as materialized ({STILL}) {FOLLOW} from still returning command_id"


def _case(row: DictRow) -> Case:
    return Case(**row)


def taken_from(row: DictRow, prefix: str = "") -> Case:
    """The case in a row that another statement brought along; its columns are taken out of the row."""
    return Case(**{name: row.pop(prefix + name) for name in _NAMES})


def insert(tx: Tx, values: dict[str, Any]) -> bool:
    """Insert a new case under the newest version of its policy set, with its first event and command.

    False when the content has a current case already, or there is no such policy set.
    """

    def heard(row: DictRow) -> None:
        if values["turn"] < FAR:
            tx.due.append(Due("start", row["command_id"], mark(values["tenant_id"], values["author_id"])))
        else:
            tx.commands = True

    return tx.end(
        f"""with new as (
            insert into cases (case_id, tenant_id, content_id, author_id, started_by, graph, graph_version,
                               policy, policy_version, status, version, priority, supersedes)
            select %(case_id)s, %(tenant_id)s, %(content_id)s, %(author_id)s, %(started_by)s, %(graph)s,
                   %(graph_version)s, %(policy)s, version, 'received', 1, %(priority)s, %(supersedes)s
            from ({NEWEST}) policy_set
            on conflict (tenant_id, content_id) where current do nothing
            returning case_id, tenant_id),
        text as (
            insert into contents (case_id, tenant_id, body, context, sha256)
            select case_id, tenant_id, %(body)s, %(context)s, %(sha256)s from new),
        event as (
            insert into events (case_id, seq, tenant_id, type, actor_kind, actor_id, after, data)
            select case_id, 1, tenant_id, 'case_received', 'person', %(started_by)s, 'received', %(data)s from new),
        command as (
            insert into commands (tenant_id, case_id, kind, graph, graph_version, priority, turn)
            select tenant_id, case_id, 'start', %(graph)s, %(graph_version)s, %(priority)s, %(turn)s from new
            returning command_id)
        select command_id from command""",
        {**values, "context": Jsonb(values["context"]), "data": Jsonb(values["data"])},
        heard,
    )


def get(tx: Tx, case_id: str) -> Case:
    """The case; Missing when there is none."""
    return _found(tx.one(f"select {COLUMNS} from cases where case_id = %s", (case_id,)))


def lock(tx: Tx, case_id: str) -> Case:
    """The case, its row locked until the transaction ends; Missing when there is none."""
    return _found(tx.one(f"select {COLUMNS} from cases where case_id = %s for update", (case_id,)))


def lock_and_see(tx: Tx, case_id: str, seen: str, params: dict[str, Any]) -> tuple[Case, DictRow]:
    """The case, locked, with what a query about it shows; the same as locking it first, in one statement.

    The query sees the moment at which the statement began: it is asked again when the case has moved on since, while
    its row was waited for.
    """
    sql, named = SEEN.format(seen), {**params, "id": case_id}
    row = tx.one(sql, named)
    if row and not row["still"]:
        row = tx.one(sql, named)
    return _seen(row)


def see(tx: Tx, case_id: str, seen: str, params: dict[str, Any]) -> tuple[Case, DictRow]:
    """The same without the lock: for who writes with `record_alone`, which finds out whether it has moved on since."""
    return _seen(tx.one(SEE.format(seen), {**params, "id": case_id}))


def _seen(row: DictRow | None) -> tuple[Case, DictRow]:
    if row is None:
        raise Missing("There is no such case, or it is not yours to see.")
    row.pop("still", None)
    return taken_from(row, "mine_"), row


def lock_current(tx: Tx, tenant_id: str, content_id: str) -> tuple[Case, bytes] | None:
    """The current case of a content and the digest of its text, locked; None when there is none.

    Those who meet here queue up by content: rows that change hands while others wait for them end in deadlocks.
    """
    tx.execute("select pg_advisory_xact_lock(hashtextextended(%s, 12))", (f"{tenant_id}/{content_id}",))
    row = tx.one(
        f"select {COLUMNS} from cases where tenant_id = %s and content_id = %s and current for update",
        (tenant_id, content_id),
    )
    if row is None:
        return None
    text = tx.one("select sha256 from contents where case_id = %s", (row["case_id"],))
    return _case(row), bytes(text["sha256"]) if text else b""


def retire(tx: Tx, case_id: str) -> None:
    """The case is no longer the current one of its content."""
    tx.execute("update cases set current = false where case_id = %s", (case_id,))


def record(tx: Tx, case: Case, facts: Sequence[Fact], *, then: Next | None = None, **changes: Any) -> Case:
    """Write what happened to a locked case: its events, gap-free, and the columns that changed with them.

    `then` is what must happen next to it. Whether an action of the case needs a person's attention is looked up anew
    each time. Returns the case as it is then, but for `needs_attention` and `updated_at`.
    """
    tx.flush()  # what was done to its actions counts
    return record_together(tx, case, facts, then=then, **changes)


def record_together(tx: Tx, case: Case, facts: Sequence[Fact], *, then: Next | None = None, **changes: Any) -> Case:
    """The same, in one statement with what waits to ride along; none of that is what `needs_attention` follows from."""
    moved = record_along(tx, case, facts, then=then, **changes)
    tx.flush()
    return moved


def record_alone(tx: Tx, case: Case, facts: Sequence[Fact], *, then: Next | None = None, **changes: Any) -> Case:
    """The same of a case that was seen without a lock; the statement may be a transaction of its own.

    Raises MovedOn when there is a newer version of the case: whatever is visible of it changes only with that.
    """
    moved = record_along(tx, case, facts, **changes)
    seen = {"id": case.case_id, "seen": case.version}

    def heard(row: DictRow) -> None:
        if then:
            tx.due.append(Due(then.kind, row["command_id"]))

    with proving(tx):
        if then:
            tx.end(STILL_AND_FOLLOW, {**seen, **_following(moved, then)}, heard)
        else:
            tx.end(STILL, seen, heard)
    return moved


def record_along(tx: Tx, case: Case, facts: Sequence[Fact], *, then: Next | None = None, **changes: Any) -> Case:
    """The same, but left to ride along with the next statement, which must not write this case's row once more."""
    if not facts:
        raise ValueError("nothing visible changes without an event")
    status = next((f.after for f in reversed(facts) if f.after), case.status)
    changes = {**changes, "status": status, "version": case.version + len(facts)}
    moved = replace(case, **changes)
    values = {name: Jsonb(value) if name == "error" and value else value for name, value in changes.items()}
    assignments = ", ".join(f"{name} = %({name})s" for name in values)
    tx.along(
        f"update cases set {assignments}, {DERIVED} where case_id = %(case_id)s",
        {**values, "case_id": case.case_id},
    )
    if then:
        tx.along(FOLLOW, _following(moved, then))
    told = {"case_id": case.case_id, "tenant": case.tenant_id}
    tx.along(TELL, {**told, "from": case.version, "facts": Jsonb(_rows(case, facts))})
    tx.commands |= then is not None
    tx.changed.add(Change(moved.case_id, moved.version, moved.status in AT_REST))
    return moved


def _following(case: Case, then: Next) -> dict[str, Any]:
    """The parameters of FOLLOW."""
    graph = {"graph": case.graph, "graph_version": case.graph_version, "priority": case.priority}
    return {"case_id": case.case_id, "tenant": case.tenant_id, **graph, **then._asdict()}


def _rows(case: Case, facts: Sequence[Fact]) -> list[dict[str, Any]]:
    rows, status = [], str(case.status)
    for n, fact in enumerate(facts, start=1):
        moved = fact.after if fact.after and fact.after != status else None
        rows.append(
            {
                "n": n,
                "type": fact.type,
                "actor_kind": fact.actor.kind,
                "actor_id": fact.actor.id,
                "before": status if moved else None,
                "after": moved,
                "data": fact.data,
            }
        )
        status = moved or status
    return rows


def _found(row: DictRow | None) -> Case:
    if row is None:
        raise Missing("There is no such case, or it is not yours to see.")
    return _case(row)


def involved(tx: Tx, case_id: str) -> set[str]:
    """Everybody who wrote, appealed, ordered reversed or decided the case."""
    return {r["person"] for r in tx.all(INVOLVED, {"id": case_id})}
