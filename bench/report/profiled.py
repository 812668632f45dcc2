"""Where each millisecond of a case goes: what was seen inside Guardian's processes and its database."""

from bench.plan import EMBEDDED
from bench.report import measures
from bench.report.results import Json, Results, Spread
from bench.report.tables import table

NONE = "Not measured in this run."
LEAST = 0.1  # ms per case: areas below are shown together, programs below are left out
DEAREST = 15  # statements
REST = "everything else"
MARKS = {"begin", "commit"}


def page(profiles: list[Json]) -> str:
    """The newest profile's three tables."""
    if not profiles:
        return NONE
    newest = profiles[-1]
    if "absent" in newest:
        return f"Not measured: {newest['absent']}"
    code = _areas(newest) if "shares" in newest else f"Whose code it was could not be seen: {newest['unseen']}"
    return "\n\n".join([_programs(newest), code, _statements(newest)])


def nearness(results: Results) -> str:
    """How far what lies above the floor would have to shrink for a case to cost what it does in Restate."""
    restate, ours = (results.spread(system, measures.CPU) for system in ("restate", EMBEDDED))
    floor = Spread.of(found["together"] for found in results.floors)
    if not (restate and ours and floor):
        return ""
    room, above = restate.middle - floor.middle, ours.middle - floor.middle
    takes = f"Restate's whole case takes {restate.middle:.1f} ms of CPU here"
    if room <= 0:
        return f"{takes}, less than these libraries alone."
    return (
        f"{takes}. For Guardian to take no more, whatever lies above this floor, these libraries' further work "
        f"included, would have to fit into {room:.1f} ms; it takes {above:.1f}."
    )


def _programs(found: Json) -> str:
    kernel = found["kernel"]
    rows = [
        [name, f"{ms:.1f}", f"{kernel[name]:.0%}" if name in kernel else "–"]
        for name, ms in sorted(found["cpu_ms"].items(), key=lambda one: -one[1])
        if ms >= LEAST
    ]
    about = (
        f"Others had {found['others']:.0%} of the machine, its host {found['stolen']:.0%}; errors: {found['errors']}."
    )
    return table(["program", "CPU per case, ms", "of it the kernel's"], rows) + f"\n\n{about}"


def _areas(found: Json) -> str:
    """Whose code the Python programs ran, in milliseconds; what they had the kernel do is apart."""
    shares: dict[str, dict[str, float]] = found["shares"]
    kernel = {name: found["kernel"][name] * found["cpu_ms"][name] for name in shares}
    python = {name: found["cpu_ms"][name] - ms for name, ms in kernel.items()}
    spent = {name: {area: share * python[name] for area, share in shares[name].items()} for name in shares}
    sums = {area: sum(parts.get(area, 0.0) for parts in spent.values()) for parts in spent.values() for area in parts}
    shown = sorted((area for area in sums if sums[area] >= LEAST), key=lambda area: -sums[area])
    rows = [[area, *(f"{parts.get(area, 0.0):.1f}" for parts in spent.values())] for area in shown]
    small = [sum(ms for area, ms in parts.items() if area not in shown) for parts in spent.values()]
    rows += [[REST, *(f"{ms:.1f}" for ms in small)], ["the kernel", *(f"{ms:.1f}" for ms in kernel.values())]]
    return table(["whose code", *(f"{name}, ms" for name in spent)], rows)


def _statements(found: Json) -> str:
    statements = found["statements"]
    calls, ran, planned = (sum(one[key] for one in statements) for key in ("calls", "ms", "planning_ms"))
    marks = sum(one["calls"] for one in statements if one["statement"].lower() in MARKS)
    intro = (
        f"Postgres, {found['calm']} cases at a time: {found['calm_cpu_ms']['postgres']:.1f} ms of CPU per case for "
        f"{calls:.0f} statements, {marks:.0f} of them BEGIN and COMMIT. By the clock they ran for {ran:.1f} ms and "
        f"were planned for {planned:.1f}. What is in neither: the protocol, waking up, starting a plan, commits and "
        "their flushes, Postgres' own processes."
    )
    rows = [[f"{one['ms']:.2f}", f"{one['calls']:.1f}", _quoted(one["statement"])] for one in statements[:DEAREST]]
    return f"{intro}\n\n" + table(["ms per case", "calls per case", "statement"], rows)


def _quoted(statement: str) -> str:
    """As code in a cell, where a bar would end it."""
    return "`" + statement.replace("|", r"\|") + "`"
