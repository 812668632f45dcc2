"""Reads that show a case as a whole, in one round trip."""

from typing import Any

from hitl.store.postgres import DictRow, Tx

# Everything that /status shows; `content` and `context` come along only where they are asked for.
WHOLE = """
select c.case_id, c.tenant_id, c.status, c.outcome, c.needs_attention, c.version, c.content_id, c.author_id,
    c.started_by, c.graph, c.graph_version, c.policy, c.policy_version, c.error, c.round, c.priority, c.supersedes,
    c.created_at, c.updated_at,
    (select to_jsonb(a) from (
        select suspect, unavailable, sampled, sensitive, urgency, categories, rationale, to_people, analyzer
        from analyses where case_id = c.case_id order by round desc limit 1) a) as verdict,
    (select jsonb_agg(to_jsonb(r) order by r.round, r.opened_at) from (
        select r.review_id, r.round, r.level, r.status, r.choices, r.form, r.proposed_actions, r.allowed_actions,
            r.deadline_at, r.quorum, r.opened_at, r.closed_at, d.decision,
            coalesce((select jsonb_agg(jsonb_build_object('person', v.person, 'choice', v.choice, 'at', v.at)
                                       order by v.at) from votes v where v.review_id = r.review_id), '[]') as votes
        from reviews r left join decisions d using (review_id) where r.case_id = c.case_id) r) as reviews,
    (select to_jsonb(d) from (
        select decision_id, review_id, round, decision, decided_by, decided_at, reason, private_note, response,
            policies, actions
        from decisions where case_id = c.case_id order by round desc, decided_at desc limit 1) d) as decision,
    (select jsonb_agg(to_jsonb(x) order by x.round, x.direction, x.ordinal) from (
        select action_id, kind, target, params, round, direction, ordinal, status, reverses, reversible, error,
            sent_at, applied_at, reversed_at
        from actions where case_id = c.case_id) x) as actions,
    (select to_jsonb(p) from (
        select appeal_id, round, kind, on_appeal, by_person, reason, at from appeals
        where case_id = c.case_id order by round desc limit 1) p) as appeal
"""
SEES = "(%(person)s::text is null or c.started_by = %(person)s or c.author_id = %(person)s)"


def version(tx: Tx, tenant_id: str, person: str | None, case_id: str) -> int | None:
    """The case's version if the person (None: staff) may see it."""
    row = tx.one(
        f"select c.version from cases c where c.case_id = %(id)s and c.tenant_id = %(tenant)s and {SEES}",
        {"id": case_id, "tenant": tenant_id, "person": person},
    )
    return int(row["version"]) if row else None


def whole(tx: Tx, tenant_id: str, person: str | None, case_id: str, *, text: bool = False) -> DictRow | None:
    """A case with all that belongs to it, if the person (None: staff) may see it."""
    columns, source = (", t.body as content, t.context", " join contents t using (case_id)") if text else ("", "")
    return tx.one(
        f"{WHOLE}{columns} from cases c{source} where c.case_id = %(id)s and c.tenant_id = %(tenant)s and {SEES}",
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
    where = ["c.tenant_id = %(tenant)s", SEES]
    if status:
        where.append("c.status = %(status)s")
    if before:
        where.append("c.case_id < %(before)s")
    return tx.all(f"{WHOLE} from cases c where {' and '.join(where)} order by c.case_id desc limit %(limit)s", values)


def forum(tx: Tx, tenant_id: str, limit: int) -> list[DictRow]:
    """The newest posts as the demo forum knows them: who wrote what, under which case."""
    return tx.all(
        """select c.case_id, c.content_id, c.author_id, t.body as content, c.created_at as at,
            exists (select 1 from analyses a where a.case_id = c.case_id and a.sensitive) as sensitive
        from cases c join contents t using (case_id)
        where c.tenant_id = %s and c.current order by c.case_id desc limit %s""",
        (tenant_id, limit),
    )
