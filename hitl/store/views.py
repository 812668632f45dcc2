"""Reads that show a case as a whole, in one round trip."""

from typing import Any

from hitl.domain.cases import Status
from hitl.store.actions import UNSETTLED
from hitl.store.postgres import DictRow, Tx
from hitl.store.riders import Write

# Everything that /status shows, and that a decision or an appeal stands on (see operations/shown.py); `content` and
# `context` come along only where they are asked for. As `json`, which is written straight from the rows: `jsonb` would
# be built, sorted by key, and written then. What is shown as it stands (a verdict, votes, settlements) has its names in
# the order that `jsonb` gave them. A first round has no appeal.
WHOLE = f"""
select c.case_id, c.tenant_id, c.status, c.outcome, c.needs_attention, c.version, c.content_id, c.author_id,
    c.started_by, c.graph, c.graph_version, c.policy, c.policy_version, c.error, c.round, c.priority, c.supersedes,
    c.parked_from, c.current, c.created_at, c.updated_at,
    (select row_to_json(a) from (
        select sampled, suspect, urgency, analyzer, rationale, sensitive, to_people, categories, unavailable
        from analyses where case_id = c.case_id order by round desc limit 1) a) as verdict,
    (select json_agg(r) from (
        select review_id, round, level, status, choices, form, proposed_actions, allowed_actions, deadline_at, quorum,
            coalesce((select json_agg(v) from (select at, choice, person from votes
                      where review_id = asked.review_id order by at) v), '[]') as votes
        from reviews asked where case_id = c.case_id order by round, opened_at) r) as reviews,
    (select json_agg(d) from (
        select decision_id, review_id, round, decision, decided_by, decided_at, reason, private_note, response,
            policies, actions, extract(epoch from now() - decided_at) / 86400 as age_days
        from decisions where case_id = c.case_id order by round, decided_at) d) as decisions,
    (select json_agg(x) from (
        select action_id, kind, target, params, round, direction, ordinal, status, reverses, reversible, error,
            applied_at, reversed_at, decision_id, aspect, {UNSETTLED} as needs_attention,
            coalesce((select json_agg(s) from (select at, person, reason, outcome from settlements
                      where action_id = a.action_id order by settlement_id) s), '[]') as settlements
        from actions a where case_id = c.case_id order by round, direction, ordinal) x) as actions,
    (select json_agg(p) from (
        select round, kind, on_appeal, by_person, reason, at from appeals
        where case_id = c.case_id and c.round > 1 order by round) p) as appeals
"""
# Where cases are found in order; no index looks at the status itself, which changes too often for that.
WAITING = """select distinct case_id from reviews where tenant_id = %(tenant)s and status in ('open', 'blocked')
    order by case_id desc"""
MOVING = """select distinct case_id from commands where kind <> 'settle'
    and state in ('ready', 'published', 'claimed') order by case_id desc"""
OWN = """(select case_id from cases where tenant_id = %(tenant)s and started_by = %(person)s order by case_id desc)
    union all (select case_id from cases where tenant_id = %(tenant)s and author_id = %(person)s
        and started_by <> %(person)s order by case_id desc) order by case_id desc"""
SOURCE = {"waiting_review": WAITING, **dict.fromkeys(("received", "analyzing", "executing", "rolling_back"), MOVING)}
# One case after the other, until the page is full: left to itself, Postgres would rather read all cases and sort them.
ONE_BY_ONE = """({}) w
    cross join lateral (select * from cases where cases.case_id = w.case_id offset 0) c"""
ALSO = {"failed": "c.error is not null", "needs_migration": "c.parked_from is not null"}
# The case first, which `offset 0` keeps apart: in a young table Postgres thinks as well of an index of all cases of an
# author, and reads the whole of it.
THIS = "(select * from cases where case_id = %(id)s offset 0) c"
SEES = "(%(person)s::text is null or c.started_by = %(person)s or c.author_id = %(person)s)"


def mark(tx: Tx, tenant_id: str, person: str | None, case_id: str) -> tuple[int, Status] | None:
    """The case's version and status if the person (None: staff) may see it."""
    row = tx.one(
        f"select c.version, c.status from {THIS} where c.tenant_id = %(tenant)s and {SEES}",
        {"id": case_id, "tenant": tenant_id, "person": person},
    )
    return (row["version"], row["status"]) if row else None


def whole(tenant_id: str, person: str | None, case_id: str, *, text: bool = False) -> Write:
    """The question for a case with all that belongs to it, if the person (None: staff) may see it."""
    columns, source = (", t.body as content, t.context", " left join contents t using (case_id)") if text else ("", "")
    return Write(
        f"{WHOLE}{columns} from {THIS}{source} where c.tenant_id = %(tenant)s and {SEES}",
        {"id": case_id, "tenant": tenant_id, "person": person},
    )


def page(
    tx: Tx, tenant_id: str, person: str | None, *, status: str | None, before: str | None, limit: int
) -> list[DictRow]:
    """A page of cases, newest first, behind a case id (keyset)."""
    values: dict[str, Any] = {
        "tenant": tenant_id,
        "person": person,
        "status": status,
        "before": before,
        "limit": limit,
    }
    found = SOURCE.get(status or "") if person is None else OWN
    source, at = (ONE_BY_ONE.format(found), "w") if found else ("cases c", "c")
    where = ["c.tenant_id = %(tenant)s"]
    if status:
        where.append("c.status = %(status)s")
    if before:
        where.append(f"{at}.case_id < %(before)s")
    if status in ALSO:
        where.append(ALSO[status])
    return tx.all(
        f"{WHOLE} from {source} where {' and '.join(where)} order by {at}.case_id desc limit %(limit)s",
        values,
        anew=True,
    )


def forum(tx: Tx, tenant_id: str, limit: int) -> list[DictRow]:
    """The newest posts as the demo forum knows them: who wrote what, under which case."""
    return tx.all(
        """select c.case_id, c.content_id, c.author_id, t.body as content, c.created_at as at,
            coalesce((select bool_or(a.sensitive) from analyses a where a.case_id = c.case_id), false) as sensitive
        from cases c join contents t using (case_id)
        where c.tenant_id = %s and c.current order by c.case_id desc limit %s""",
        (tenant_id, limit),
        anew=True,
    )
