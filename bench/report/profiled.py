"""Where each millisecond of a case goes: what was seen inside Guardian's processes and its database."""

from bench.report import measures
from bench.report.results import Json, Results, Spread
from bench.report.tables import table

NONE = "Not measured in this run."
LEAST = 0.1  # ms per case: what is below is shown together
DEAREST = 15  # statements
REST = "everything else"


def page(profiles: list[Json]) -> str:
    """The newest profile's three tables."""
    if not profiles:
        return NONE
    newest = profiles[-1]
    if "absent" in newest:
        return f"Not measured: {newest['absent']}"
    return "\n\n".join([_programs(newest), _areas(newest), _statements(newest)])


def nearness(results: Results) -> str:
    """How far what is ours would have to shrink for a case to cost what it does in Restate."""
    restate = results.spread("restate", measures.CPU)
    ours = results.spread("guardian-embedded", measures.CPU)
    floor = Spread.of(found["together"] for found in results.floors)
    if not (restate and ours and floor):
        return ""
    beside, room = ours.middle - floor.middle, restate.middle - floor.middle
    return (
        f"Restate's whole case takes {restate.middle:.1f} ms here. With these libraries, all that Guardian does beside "
        f"them would have to fit into {room:.1f} ms for that; it takes {beside:.1f}."
    )


def _programs(found: Json) -> str:
    kernel = found["kernel"]
    rows = [
        [name, f"{ms:.1f}", f"{kernel[name]:.0%}" if name in kernel else "–"]
        for name, ms in sorted(found["cpu_ms"].items(), key=lambda one: -one[1])
        if ms >= LEAST and name != "py-spy"
    ]
    return table(["program", "CPU per case, ms", "of it the kernel's"], rows)


def _areas(found: Json) -> str:
    """Whose code the Python programs were in, in milliseconds; what they had the kernel do is apart."""
    shares: dict[str, dict[str, float]] = found["shares"]
    kernel = {name: found["kernel"][name] * found["cpu_ms"][name] for name in shares}
    python = {name: found["cpu_ms"][name] - ms for name, ms in kernel.items()}
    spent = {name: {area: share * python[name] for area, share in shares[name].items()} for name in shares}
    sums = {area: sum(parts.get(area, 0.0) for parts in spent.values()) for parts in spent.values() for area in parts}
    named = sorted((area for area in sums if sums[area] >= LEAST), key=lambda area: -sums[area])
    rows = [[area, *(f"{parts.get(area, 0.0):.1f}" for parts in spent.values())] for area in named]
    less = [sum(ms for area, ms in parts.items() if area not in named) for parts in spent.values()]
    rows += [[REST, *(f"{ms:.1f}" for ms in less)], ["the kernel", *(f"{ms:.1f}" for ms in kernel.values())]]
    return table(["whose code", *(f"{name}, ms" for name in spent)], rows)


def _statements(found: Json) -> str:
    all_ = found["statements"]
    marks = sum(one["calls"] for one in all_ if one["statement"].lower() in {"begin", "commit"})
    executed, planned = (sum(one[key] for one in all_) for key in ("ms", "planning_ms"))
    spent = found["calm_cpu_ms"]["postgres"]
    said = (
        f"Postgres, two cases at a time: {spent:.1f} ms of CPU per case for {sum(one['calls'] for one in all_):.0f} "
        f"statements, {marks:.0f} of them BEGIN and COMMIT. Their execution is {executed:.1f} ms and their planning "
        f"{planned:.1f}; the rest comes with each of them: waking up, the protocol, starting its plan, its transaction."
    )
    rows = [[f"{one['ms']:.2f}", f"{one['calls']:.1f}", f"`{one['statement']}`"] for one in all_[:DEAREST]]
    return f"{said}\n\n" + table(["ms per case", "calls per case", "statement"], rows)
