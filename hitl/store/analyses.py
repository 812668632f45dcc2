"""Rows of `analyses`: the first verdict of a (case, round) wins and is read back."""

from dataclasses import asdict
from typing import Any

from hitl.domain.verdicts import Verdict
from hitl.store import cases
from hitl.store.postgres import DictRow, Jsonb, Tx


def keep(
    tx: Tx,
    *,
    case_id: str,
    tenant_id: str,
    round_: int,
    verdict: Verdict,
    sampled: bool,
    sensitive: bool,
    urgency: int,
    proposals: list[dict[str, Any]],
    latency_ms: int,
) -> None:
    """Store a verdict unless there is one."""
    tx.execute(
        """insert into analyses (case_id, round, tenant_id, suspect, unavailable, sampled, sensitive,
                                 urgency, categories, rationale,
                                 to_people, analyzer, latency_ms, usage, proposals)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing""",
        (
            case_id,
            round_,
            tenant_id,
            verdict.suspect,
            verdict.unavailable,
            sampled,
            sensitive,
            urgency,
            Jsonb([asdict(f) for f in verdict.categories]),
            verdict.rationale,
            verdict.to_people,
            verdict.analyzer,
            latency_ms,
            Jsonb(verdict.usage),
            Jsonb(proposals),
        ),
    )


def subject(tx: Tx, case_id: str) -> DictRow:
    """The case with its text: `body`, `context`, `kept` (whether people are to be asked, None before a verdict)."""
    row = tx.one(
        f"""select {cases.COLUMNS}, body, context,
            (select suspect or sampled from analyses a where a.case_id = %(id)s order by a.round desc limit 1) as kept
        from cases join (select case_id as of_case, body, context from contents) t on of_case = case_id
        where case_id = %(id)s""",
        {"id": case_id},
    )
    assert row is not None, "a case and its content are written together"
    return row
