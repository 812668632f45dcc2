"""Rows of `analyses`: the first verdict of a (case, round) wins and is read back."""

from dataclasses import asdict
from typing import Any

from hitl.domain.verdicts import Verdict
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
) -> DictRow:
    """Store a verdict unless there is one; returns the one that counts."""
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
    found = get(tx, case_id)
    assert found is not None, "just written or already there"
    return found


def get(tx: Tx, case_id: str) -> DictRow | None:
    """The latest analysis of a case; later rounds are judged by the first one's."""
    return tx.one("select * from analyses where case_id = %s order by round desc limit 1", (case_id,))


def text(tx: Tx, case_id: str) -> DictRow | None:
    """The case's content and context."""
    return tx.one("select body, context from contents where case_id = %s", (case_id,))
