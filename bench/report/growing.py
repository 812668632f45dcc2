"""How Guardian fares with more processes, more rows, and an author who floods: tables, and what they say."""

from collections.abc import Iterable
from statistics import median

from bench.plan import SHAPES, Shape
from bench.report import measures as m
from bench.report.results import Json, Results, Spread
from bench.report.tables import table, title

WORKERS_PLOT = "![Cases per second and latency by worker processes](plots/workers.svg)"
ROWS_PLOT = "![Cases per second and latency by closed cases](plots/rows.svg)"
FLOODS = ("alone", "beside", "beside_ack")
FLUSH = ("LWLock:WALWrite", "IO:WalSync")
NONE = "Not measured in this run."
FULL = 0.9  # of the machine's cores, or of the one core that one Python process can use
FEW = 0.1  # cores
WAITING = 0.25  # share of active sessions' time


def shapes(results: Results) -> list[tuple[str, Shape]]:
    """Those that were measured, each with its system."""
    return [(system, shape) for system, all_ in SHAPES.items() for shape in all_ if results.of(system, shape.scenario)]


def scale(results: Results) -> str:
    """By system and shape: rate, latency under load, cores, who uses them, what Postgres' sessions do."""
    head = ["", "workers × desks", "analyzer", "cases/s", "start → paused p50, ms", "CPU ms/case", "cores busy"]

    def row(system: str, shape: Shape) -> list[str]:
        lines = results.of(system, shape.scenario)
        rate, latency = results.spread(system, m.scaled(shape)), results.spread(system, m.scaled_latency(shape))
        cpu, busy = (Spread.of(values) for values in ([line["server_cpu_ms"] for line in lines], map(m.busy, lines)))
        cells = [title(system), f"{shape.workers} × {shape.desks}", f"{shape.milliseconds} ms"]
        return [*cells, *(spread.show() if spread else "–" for spread in (rate, latency, cpu, busy))]

    found = [row(*one) for one in shapes(results)]
    return f"{table(head, found)}\n\n{WORKERS_PLOT}" if found else NONE


def serial(results: Results) -> str:
    """For each shape, what keeps it from more, from what was seen of cores, processes and the database's sessions."""
    cores = int(results.runs[-1]["about"]["cores"]) if results.runs else 0
    lines = [
        f"- {title(system)}, {shape.workers} × {shape.desks}, {shape.milliseconds} ms: "
        f"{bound(results.of(system, shape.scenario), shape, cores)}."
        for system, shape in shapes(results)
    ]
    return "\n".join(lines)


def bound(lines: list[Json], shape: Shape, cores: int) -> str:
    """The machine when it is full; else a program that fills its processes' cores; else what sessions wait for."""
    used, others = median(m.busy(line) for line in lines), median(line["others"] for line in lines) * cores
    programs = _medians(line["cores_by_process"] for line in lines)
    waits = {name: share for name, share in _medians(line["waits"] for line in lines).items() if name != "running"}
    sessions = median(line["active_sessions"] for line in lines)
    most = max(programs, key=lambda name: programs[name])
    who = f"most of it in {most} ({programs[most]:.2f} cores)"
    wait = max(waits, key=lambda name: waits[name], default="")
    slow = f"; of {sessions:.1f} active database sessions {waits[wait]:.0%} wait for {_why(wait)}" if wait else ""
    if used + others >= FULL * cores:
        beside = f", and others have {others:.2f}" if others > FEW else ""
        return f"the cores serialize: {used:.2f} of {cores} are busy, {who}{beside}{slow}"
    for name, spent in programs.items():
        if "postgres" not in name and spent >= FULL * _processes(name, shape):
            return f"{name} serializes: its processes have no more than one core each and use {spent:.2f}{slow}"
    if wait and waits[wait] >= WAITING:
        return f"the database's {wait} serializes; {used:.2f} of {cores} cores are busy{slow}"
    if shape.milliseconds:
        return f"the analyzer's wait: {used:.2f} of {cores} cores are busy, and threads wait for it{slow}"
    return f"nothing is full: {used:.2f} of {cores} cores are busy, {who}{slow}"


def growth(results: Results) -> str:
    """By size: the figures, each with its ratio to the empty database."""
    found = sizes(results)
    if not found:
        return NONE
    system = found[0][0]
    head = ["", *(f"{closed:,} closed, {waiting:,} waiting" for _, closed, waiting in found)]
    rows = []
    for key, measure in m.grown(found[0][1]).items():
        spreads = [results.spread(system, m.grown(closed)[key]) for _, closed, _ in found]
        rows.append([measure.title, *(spread.show() if spread else "–" for spread in spreads)])
    return f"{table(head, rows)}\n\n{ROWS_PLOT}"


def sizes(results: Results) -> list[tuple[str, int, int]]:
    """System, closed and waiting cases, smallest first."""
    found = {(line["system"], line["closed"], line["waiting"]) for line in results.lines if "closed" in line}
    return sorted(found, key=lambda one: one[1])


def flood(results: Results) -> str:
    """The author who does not flood, alone and beside the one who does; each round."""
    head = ["", "round", "alone, p50", "alone, p99", "beside, p50", "beside, p99", "of these answered, p50", "p99"]
    head += ["the flood, posts/s", "refused", "never paused"]

    def row(line: Json) -> list[str]:
        points = [f"{line[when][point]:.1f} ms" for when in FLOODS for point in ("p50", "p99")]
        return [
            title(line["system"]),
            str(line["round"]),
            *points,
            f"{line['flood_per_second']:.0f}",
            str(line["flood_refused"]),
            str(line["late"]),
        ]

    found = [row(line) for system in results.systems for line in results.of(system, "flood")]
    return table(head, found) if found else NONE


def _why(wait: str) -> str:
    return f"{wait} (the flush of the log that a commit is)" if wait in FLUSH else wait


def _medians(found: Iterable[dict[str, float]]) -> dict[str, float]:
    """By name, the median over the rounds; absent is nothing."""
    rounds = list(found)
    return {name: median(one.get(name, 0.0) for one in rounds) for name in {name for one in rounds for name in one}}


def _processes(name: str, shape: Shape) -> int:
    """How many processes a program has: each can use about one core, as Python's threads share a lock."""
    return shape.workers if "workers" in name else shape.desks
