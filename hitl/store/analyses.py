"""Rows of `analyses`: the first verdict of a (case, round) wins and is read back."""

from typing import Any

from hitl.store import cases
from hitl.store.postgres import DictRow, Jsonb, Tx

KEPT = "(select suspect or sampled from analyses a where a.case_id = {} order by a.round desc limit 1)"
# What a review is opened on and what is told of an analysis.
TOLD = ("suspect", "unavailable", "sampled", "categories", "analyzer", "latency_ms", "proposals")


def keep(tx: Tx, values: dict[str, Any]) -> None:
    """Store an analysis, with the next statement, unless the (case, round) has one; `values` are its columns."""
    jsons = {name: Jsonb(values[name]) for name in ("categories", "usage", "proposals")}
    tx.along(
        """insert into analyses (case_id, round, tenant_id, suspect, unavailable, sampled, sensitive, urgency,
                                 categories, rationale, to_people, analyzer, latency_ms, usage, proposals)
        values (%(case_id)s, %(round)s, %(tenant_id)s, %(suspect)s, %(unavailable)s, %(sampled)s, %(sensitive)s,
                %(urgency)s, %(categories)s, %(rationale)s, %(to_people)s, %(analyzer)s, %(latency_ms)s, %(usage)s,
                %(proposals)s) on conflict do nothing""",
        {**values, **jsons},
    )


def subject(tx: Tx, case_id: str) -> DictRow:
    """The `case` with its text: `body`, `context`, `kept` (whether people are to be asked, None before a verdict)."""
    row = tx.one(
        f"""select {cases.MINE}, t.body, t.context, {KEPT.format("mine.case_id")} as kept
        from cases mine join contents t using (case_id) where mine.case_id = %(id)s""",
        {"id": case_id},
    )
    assert row is not None, "a case and its content are written together"
    case = cases.taken_from(row, "mine_")
    return {**row, "case": case}
