"""What an operator watches, from rows: right whichever process did the work, and after it died.

What waits is counted anew each time, from indexes that hold no more than that. What has happened is summed up from the
events, each read once by a process: the first time takes a while over a long history, and is spread over scrapes.
"""

import threading
import time
from collections import Counter
from typing import Any

from hitl.store.actions import UNSETTLED
from hitl.store.postgres import Store, Tx
from hitl.telemetry.metrics import LATENCY_MS, Latency, Numbers

CHUNK = 20_000  # transactions whose events are summed up at once
LIVE = " union all ".join(
    f"select kind, created_at from commands where state = '{state}'" for state in ("ready", "published", "claimed")
)
OF_SUCH_CASES = f"where c.needs_attention and {UNSETTLED}"
OPEN = "reviews where status in ('open', 'blocked')"
# name -> labels, and the rows that are counted by them; each has an index of its own
COUNTS: dict[str, tuple[str, str]] = {
    "commands_waiting": ("kind", f"({LIVE}) live"),
    "reviews_waiting": ("level::text, status", OPEN),
    "cases_stopped": ("status", "cases where error is not null or parked_from is not null"),
    "actions_unsettled": ("a.kind, a.status", f"cases c join actions a using (case_id) {OF_SUCH_CASES}"),
    "unavailable": ("analyzer, rationale", "analyses where unavailable"),
}
AGES = f"""select
    (select coalesce(extract(epoch from now() - min(created_at)), 0)::float8 from ({LIVE}) live) as commands,
    (select coalesce(extract(epoch from now() - min(opened_at)), 0)::float8 from {OPEN}) as reviews,
    (select count(*) from workers where seen_at > now() - interval '15 seconds') as workers"""
TENANTS = """with recursive tenants as (
    (select tenant_id from events order by tenant_id limit 1)
    union all select (select e.tenant_id from events e where e.tenant_id > t.tenant_id
                      order by e.tenant_id limit 1) from tenants t where t.tenant_id is not null)"""
# The next transaction that has events, and how far all can be seen.
NEXT = f"""{TENANTS} select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as seen,
    (select min(found.tx) from tenants t cross join lateral (
        select e.tx::text::bigint as tx from events e where e.tenant_id = t.tenant_id and e.tx >= (%s::text)::xid8
        order by e.tx limit 1) found) as tx"""
BUCKET = "width_bucket((e.data ->> 'latency_ms')::int, array[" + ", ".join(str(ms + 1) for ms in LATENCY_MS) + "])"
SUMS = f"""{TENANTS}, e as materialized (
    select e.type, e.data from tenants t join events e on e.tenant_id = t.tenant_id
        and e.tx >= (%(from)s::text)::xid8 and e.tx < (%(to)s::text)::xid8)
select name, labels, count(*) as n, sum(ms)::float8 as ms from (
    select 'decisions' as name, array[e.data ->> 'decision'] as labels, 0 as ms from e where e.type = 'review_decided'
    union all select 'cases_ended', array[coalesce(e.data ->> 'outcome', 'failed')], 0 from e
        where e.type in ('case_completed', 'case_failed')
    union all select 'effects', array[e.data ->> 'kind', e.data ->> 'direction',
        case e.type when 'correction_sent' then 'applied' else split_part(e.type, '_', 2) end], 0 from e
        where e.type in ('action_applied', 'action_refused', 'action_unknown', 'action_reversed', 'correction_sent',
                         'reversal_refused', 'reversal_unknown', 'reversal_conflict', 'reversal_irreversible')
    union all select 'latency', array[e.data ->> 'analyzer', {BUCKET}::text], (e.data ->> 'latency_ms')::int
        from e where e.type = 'analyzed') told group by name, labels"""


class Totals:
    """Sums over all events that this process has read so far."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0
        self._sums: dict[str, Counter[tuple[str, ...]]] = {}
        self._ms: Counter[str] = Counter()

    def catch_up(self, store: Store, seconds: float) -> bool:
        """Read what is new, for so many seconds at most; whether all has been read."""
        until = time.monotonic() + seconds
        with self._lock:
            while time.monotonic() < until:
                if self._chunk(store):
                    return True
        return False

    def _chunk(self, store: Store) -> bool:
        with store.transaction() as tx:
            found = tx.one(NEXT, (self._next,), anew=True)
            assert found is not None, "a select without a table has a row"
            if found["tx"] is None or found["tx"] >= found["seen"]:
                return True
            end = min(found["tx"] + CHUNK, found["seen"])
            rows = tx.all(SUMS, {"from": found["tx"], "to": end}, anew=True)
        for row in rows:
            labels = tuple(row["labels"])
            self._sums.setdefault(row["name"], Counter())[labels] += row["n"]
            if row["name"] == "latency":
                self._ms[labels[0]] += row["ms"]
        self._next = end
        return False

    def of(self, name: str) -> Counter[tuple[str, ...]]:
        """One of the sums, by labels."""
        return self._sums.get(name, Counter())

    def latencies(self) -> dict[str, Latency]:
        """How long each analyzer took."""
        found = self.of("latency")
        return {name: self._latency(name, found) for name in {analyzer for analyzer, _ in found}}

    def _latency(self, analyzer: str, found: Counter[tuple[str, ...]]) -> Latency:
        cumulative, count = [], 0
        for bucket in range(len(LATENCY_MS) + 1):
            count += found[analyzer, str(bucket)]
            cumulative.append(count)
        return Latency(tuple(cumulative[:-1]), count, self._ms[analyzer])


def numbers(tx: Tx, totals: Totals | None = None) -> Numbers:
    """All of them; without totals until they have been read to the end once."""
    ages = tx.one(AGES, anew=True)
    assert ages is not None, "an aggregate always has a row"
    counts: dict[str, Any] = {name: _counted(tx, *what) for name, what in COUNTS.items()}
    if totals:
        counts |= {name: totals.of(name) for name in ("decisions", "cases_ended", "effects")}
    return Numbers(
        commands_oldest_seconds=ages["commands"],
        reviews_oldest_seconds=ages["reviews"],
        workers=ages["workers"],
        analyzers=totals.latencies() if totals else {},
        **counts,
    )


def _counted(tx: Tx, labels: str, rows: str) -> dict[tuple[str, ...], int]:
    found = tx.all(f"select array[{labels}]::text[] as labels, count(*) as n from {rows} group by {labels}", anew=True)
    return {tuple(row["labels"]): row["n"] for row in found}
