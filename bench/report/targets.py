"""What Guardian has set itself, and whether this run shows it: a target that is missed is called missed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.plan import EMBEDDED, GUARDIANS, RABBITMQ, Shape
from bench.report import measures as m
from bench.report.results import Measure, Results, Spread

OWN = GUARDIANS
LANGGRAPH = ("langgraph-dev", "langgraph-dev-jobs")
MISSED = "**MISSED**"
NOT_MEASURED = "not measured"
Value = Callable[[Results, str], Spread | None]


@dataclass(frozen=True)
class Target:
    """A bound on a figure of one of Guardian's modes; `least` or `most`."""

    level: str
    text: str
    value: Value
    least: float | None = None
    most: float | None = None
    modes: tuple[str, ...] = OWN
    excuse: Callable[[Results, str], str | None] = lambda *_: None  # why a miss here says nothing; None: it does

    def judge(self, seen: Spread | None) -> str:
        """Met, missed, or not measured; by the median."""
        if seen is None:
            return NOT_MEASURED
        met = seen.middle >= self.least if self.least is not None else seen.middle <= (self.most or 0.0)
        return "met" if met else MISSED

    def verdict(self, results: Results, own: str) -> tuple[Spread | None, str]:
        """What was found, and the verdict; the excuse where there is one."""
        seen = self.value(results, own)
        verdict = self.judge(seen)
        excuse = self.excuse(results, own) if verdict == MISSED else None
        return seen, excuse or verdict


def _against(peer: str, measure: Measure) -> Value:
    return lambda results, own: results.ratio(own, peer, measure)


def _against_better(measure: Measure) -> Value:
    """Against whichever of LangGraph's two configurations does better here."""

    def value(results: Results, own: str) -> Spread | None:
        asked = [results.ratio(own, peer, measure) for peer in LANGGRAPH if peer in results.versions]
        found = [ratio for ratio in asked if ratio]  # where one could not be measured, which is better is not known
        return min(found, key=lambda ratio: ratio.middle, default=None) if len(found) == len(asked) else None

    return value


def _own(measure: Measure) -> Value:
    return lambda results, own: results.spread(own, measure)


def _quotient(upper: Measure, lower: Measure) -> Value:
    """One figure over another of the same system, round by round."""

    def value(results: Results, own: str) -> Spread | None:
        above, below = results.by_round(own, upper), results.by_round(own, lower)
        return Spread.of(above[r] / below[r] for r in above if below.get(r))

    return value


def _survivors(results: Results, own: str) -> Spread | None:
    return Spread.of(line["survived"] / max(1, line["paused"]) for line in results.of(own, "survival"))


def _growth(key: str, closed: int) -> Value:
    """A figure with so many closed cases against the same in an all but empty database; above 1 it is better."""

    def value(results: Results, own: str) -> Spread | None:
        empty, full = m.grown(0)[key], m.grown(closed)[key]
        before, after = results.by_round(own, empty), results.by_round(own, full)
        pairs = [(before[r], after[r]) for r in after if before.get(r) and after[r]]
        return Spread.of(after / before if full.more_is_better else before / after for before, after in pairs)

    return value


ONE_EACH, TWO_EACH = Shape(), Shape(0, 2, 2)
DOUBLED = 1.6


def _doubled(results: Results, own: str) -> Spread | None:
    one, two = results.by_round(own, m.scaled(ONE_EACH)), results.by_round(own, m.scaled(TWO_EACH))
    return Spread.of(two[r] / one[r] for r in two if one.get(r))


def _full_cores(results: Results, own: str) -> str | None:
    """One worker and one desk that leave less than 1.6 times what they use: the machine is what does not double."""
    cores = float(results.runs[-1]["about"]["cores"]) if results.runs else 0.0
    used = Spread.of(m.busy(line) for line in results.of(own, ONE_EACH.scenario))
    if used is None or used.middle * DOUBLED < cores:
        return None
    return f"cores do not allow it: one of each uses {used.middle:.1f} of {cores:.0f}"


GROWN = (("rate", "cases/s"), ("paused", "start → paused p50"), ("done", "decision → completed p50"))
LOOKED = (("queue", "the queue's first page p50"), ("status", "status p50"))
GROWTH = tuple(
    Target(
        level,
        f"{name} with {closed:,} closed cases against an empty database ≥ 0.9",
        _growth(key, closed),
        least=0.9,
        modes=(EMBEDDED,),
    )
    for level, closed in (("on the way", 100_000), ("must", 1_000_000))
    for key, name in (*GROWN, *LOOKED)
)
TARGETS = (
    Target("must", "cases/s ÷ Restate's ≥ 1", _against("restate", m.RATE), least=1.0),
    Target("goal", "cases/s ÷ Restate's ≥ 1.5", _against("restate", m.RATE), least=1.5),
    Target("must", "cases/s ÷ DBOS' ≥ 3", _against("dbos", m.RATE), least=3.0),
    Target(
        "must",
        "cases/s ÷ LangGraph's development server's (the better of both) ≥ 3",
        _against_better(m.RATE),
        least=3.0,
    ),
    Target("must", "cases/s ÷ the straightforward design's ≥ 8", _against("straightforward", m.RATE), least=8.0),
    Target("must", "cases/s with a 200 ms analyzer ÷ own with 0 ms ≥ 0.9", _quotient(m.RATE_200, m.RATE), least=0.9),
    Target("must", "Restate's CPU per case ÷ ours ≥ 1", _against("restate", m.CPU), least=1.0),
    Target("goal", "Restate's CPU per case ÷ ours ≥ 1.25", _against("restate", m.CPU), least=1.25),
    Target("must", "Restate's start → paused p50 ÷ ours ≥ 1", _against("restate", m.PAUSED), least=1.0),
    Target("stretch", "Restate's start → paused p50 ÷ ours ≥ 2", _against("restate", m.PAUSED), least=2.0),
    Target("must", "Restate's decision → completed p50 ÷ ours ≥ 1", _against("restate", m.DONE), least=1.0),
    Target("stretch", "Restate's decision → completed p50 ÷ ours ≥ 2", _against("restate", m.DONE), least=2.0),
    Target("must", "start → paused p99 ÷ p50 ≤ 3", _quotient(m.PAUSED_99, m.PAUSED), most=3.0),
    Target("must", "decision → completed p99 ÷ p50 ≤ 3", _quotient(m.DONE_99, m.DONE), most=3.0),
    Target("must", "Restate's acknowledgement p50 ÷ ours ≥ 2", _against("restate", m.ACK), least=2.0),
    Target("must", "WAL per case ≤ 35 kB", _own(m.WAL), most=35.0),
    Target("goal", "WAL per case ≤ 20 kB", _own(m.WAL), most=20.0),
    Target("goal", "WAL flushes per case ≤ 12", _own(m.FLUSHES), most=12.0),
    Target("must", "idle CPU < 1 % of a core", _own(m.IDLE_CPU), most=1.0, modes=OWN[:1]),
    Target("must", "idle memory < 250 MB (238 MiB)", _own(m.IDLE_MEMORY), most=238.0, modes=OWN[:1]),
    Target("must", "share of paused cases that survive a kill -9 of everything = 1", _survivors, least=1.0),
    *GROWTH,
    Target(
        "must",
        "two workers and two desks ÷ one of each, cases/s, where cores allow ≥ 1.6",
        _doubled,
        least=DOUBLED,
        modes=(RABBITMQ,),
        excuse=_full_cores,
    ),
    Target(
        "must",
        "an author's start → paused p99 beside another's flood ÷ alone < 2",
        _quotient(m.BESIDE_99, m.ALONE_99),
        most=2.0,
    ),
)


def judged(results: Results) -> Iterator[tuple[Target, str, str, str]]:
    """Each target for each of Guardian's modes: what was found, and the verdict."""
    for target in TARGETS:
        for own in target.modes:
            seen, verdict = target.verdict(results, own)
            yield target, own, seen.show() if seen else "–", verdict
