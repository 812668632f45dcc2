"""The page's tables, in Markdown."""

from collections.abc import Iterable, Sequence
from statistics import median

from bench.report import measures
from bench.report.results import Json, Measure, Results, Spread
from bench.report.targets import OWN, Target, judged
from bench.systems.catalog import SYSTEMS


def title(system: str) -> str:
    """How a system is called on the page."""
    return SYSTEMS[system].title if system in SYSTEMS else system


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def ratios(results: Results, own: str) -> str:
    """How far ahead one of Guardian's modes is of each peer; below 1 it is behind."""
    peers = [system for system in results.systems if system not in OWN]

    def row(measure: Measure) -> list[str]:
        way = "Guardian ÷ peer" if measure.more_is_better else "peer ÷ Guardian"
        found = [results.ratio(own, peer, measure) for peer in peers]
        return [f"{measure.title} ({way})", *(ratio.show() if ratio else "–" for ratio in found)]

    return table([title(own), *map(title, peers)], map(row, measures.COMPARED))


def absolutes(results: Results, shown: Sequence[Measure]) -> str:
    """The figures themselves."""
    spreads = [[results.spread(system, measure) for system in results.systems] for measure in shown]
    rows = [
        [measure.title, *(spread.show() if spread else "–" for spread in found)]
        for measure, found in zip(shown, spreads, strict=True)
    ]
    return table(["", *map(title, results.systems)], rows)


def targets(results: Results) -> str:
    """What was aimed at, and what was found; also as it would be at one pace of the cores."""
    paced = results.paced(results.quickest())
    rows = [
        [target.level, target.text, title(own), found, verdict, _at_one_pace(target, paced, own)]
        for target, own, found, verdict in judged(results)
    ]
    return table(["", "target", "mode", "found", "verdict", "at one pace (an estimate)"], rows)


def _at_one_pace(target: Target, paced: Results, own: str) -> str:
    seen, verdict = target.verdict(paced, own)
    return f"{seen.show()}, {verdict.partition(':')[0]}" if seen else "–"


def survival(results: Results) -> str:
    """Who comes back after everything was killed."""
    head = ["", "paused", "survived", "pausing, s", "restart, s", "resuming, s", "memory while paused, MiB", "others"]
    keys = ("pause_seconds", "restart_seconds", "resume_seconds")

    def row(line: Json) -> list[str]:
        times = [f"{line[key]:.1f}" for key in keys]
        counts = [str(line["paused"]), str(line["survived"])]
        return [title(line["system"]), *counts, *times, f"{line['pss_mib']:.0f}", f"{line['others']:.0%}"]

    return table(head, [row(line) for system in results.systems for line in results.of(system, "survival")])


def survived(results: Results) -> str:
    """In a sentence: who lost what."""
    runs = [line for system in results.systems for line in results.of(system, "survival")]
    lost = [(line, line["paused"] - line["survived"]) for line in runs if line["survived"] < line["paused"]]
    if not runs:
        return "Not measured in this run."
    if not lost:
        return "Nothing was lost by any of them."
    return "Lost: " + "; ".join(f"{title(line['system'])} {n} of {line['paused']}" for line, n in lost) + "."


def processes(results: Results) -> str:
    """Where the CPU time and the memory go, process by process: medians of the rounds."""
    rows = []
    for system in results.systems:
        busy = _medians(results.of(system, "closed-0"), "cpu_ms_by_process")
        resting = _medians(results.of(system, "idle"), "pss_mib_by_process")
        for name in sorted(busy.keys() | resting.keys(), key=lambda name: -busy.get(name, 0.0)):
            cells = [_cell(busy.get(name)), _cell(resting.get(name))]
            rows.append([title(system), name, *cells])
    return table(["", "process", "CPU per case, ms", "idle PSS, MiB"], rows)


def _medians(lines: Sequence[Json], key: str) -> dict[str, float]:
    """Name by name, the median of those rounds that have it."""
    found = [line[key] for line in lines if key in line]
    names = dict.fromkeys(name for round_ in found for name in round_)
    return {name: median(round_[name] for round_ in found if name in round_) for name in names}


def every_run(results: Results) -> str:
    """Each run with what others did to the machine meanwhile."""
    head = ["system", "scenario", "round", "cases/s", "CPU ms/case", "client ms/case", "others", "stolen"]
    head += ["fixed loop, ms", "slowest flush, ms", "errors"]

    def row(line: Json) -> list[str]:
        figures = [_cell(line.get(key)) for key in ("cases_per_second", "server_cpu_ms", "client_cpu_ms")]
        load = [f"{line['others']:.0%}", f"{line['stolen']:.0%}"]
        load += [_cell(line.get(key)) for key in ("loop_ms", "slowest_flush_ms")]
        return [line["system"], line["scenario"], str(line["round"]), *figures, *load, str(line["errors"])]

    failed = [[line["system"], line["scenario"], str(line["round"]), "failed", *["–"] * 7] for line in results.failed]
    return table(head, [*map(row, results.lines), *failed])


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def floor(results: Results) -> str:
    """What each library alone costs, beside what a case costs in Guardian."""
    if not results.floors:
        return "Not measured in this run."
    parts = {name: Spread.of(found[name] for found in results.floors) for name in results.floors[0]}
    parts |= {f"{title(own)}, everything": results.spread(own, measures.CPU) for own in OWN if own in results.systems}
    return table(["part", "ms"], [[name, spread.show(".1f") if spread else "–"] for name, spread in parts.items()])
