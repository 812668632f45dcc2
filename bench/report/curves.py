"""Lines with whiskers, as plain SVG: throughput above, latency below, against a count."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.plan import EMBEDDED, SHAPES
from bench.report import growing
from bench.report import measures as m
from bench.report.plots import FONT, label
from bench.report.results import Measure, Results, Spread

WIDTH, LEFT, RIGHT, HIGH, TOP, BETWEEN = 860, 70, 190, 190, 60, 74
COLORS = ("#1a7f5a", "#b45309", "#3b5bdb", "#6b7280")


@dataclass(frozen=True)
class Line:
    """One line of a panel: its name and a figure at each place, where there is one."""

    name: str
    at: Sequence[Spread | None]


@dataclass(frozen=True)
class Panel:
    """One set of axes."""

    heading: str
    lines: Sequence[Line]


def write(results: Results, folder: Path) -> None:
    """Write what there are results for; what is not measured keeps no plot."""
    charts = {"workers": _workers(results), "rows": _rows(results)}
    for name, (places, axis, panels) in charts.items():
        path = folder / f"{name}.svg"
        path.unlink(missing_ok=True)
        if places:
            path.write_text(chart(places, axis, panels))


def chart(places: Sequence[str], axis: str, panels: Sequence[Panel]) -> str:
    """An SVG with one panel above the other over the same places."""
    parts, y = [], TOP
    for panel in panels:
        parts += _panel(panel, places, y)
        y += HIGH + BETWEEN
    parts.append(label(LEFT, y - BETWEEN + 44, axis))
    box = f'width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}"'
    paper = '<rect width="100%" height="100%" fill="#fff"/>'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {box} {FONT}>', paper, *parts, "</svg>", ""])


def _workers(results: Results) -> tuple[list[str], str, list[Panel]]:
    shapes = [shape for shape in SHAPES[EMBEDDED] if results.of(EMBEDDED, shape.scenario)]
    counts = sorted({shape.workers for shape in shapes})
    by = {(shape.milliseconds, shape.workers): shape for shape in shapes}

    def lines(latency: bool) -> list[Line]:
        found = []
        for ms in sorted({shape.milliseconds for shape in shapes}):
            at = [by.get((ms, count)) for count in counts]
            measures = [(m.scaled_latency(shape) if latency else m.scaled(shape)) if shape else None for shape in at]
            found.append(Line(f"analyzer {ms} ms", [_spread(results, measure) for measure in measures]))
        return found

    panels = [
        Panel("Whole cases per second, 32 clients (more is better)", lines(latency=False)),
        Panel("Start → paused under that load, p50, ms (less is better)", lines(latency=True)),
    ]
    return [str(count) for count in counts], "worker processes (one desk, embedded)", panels


def _rows(results: Results) -> tuple[list[str], str, list[Panel]]:
    sizes = [closed for _, closed, _ in growing.sizes(results)]
    every = [m.grown(closed) for closed in sizes]

    def line(key: str) -> Line:
        title = m.grown(0)[key].title.removesuffix(", p50, ms").removesuffix(", 32 clients")
        return Line(title, [_spread(results, measures[key]) for measures in every])

    panels = [
        Panel("Whole cases per second, 32 clients (more is better)", [line("rate")]),
        Panel("p50, ms (less is better)", [line(key) for key in ("paused", "done", "queue", "status")]),
    ]
    return [f"{closed:,}" for closed in sizes], "closed cases in the database; a tenth of them wait beside", panels


def _spread(results: Results, measure: Measure | None) -> Spread | None:
    return results.spread(EMBEDDED, measure) if measure else None


def _panel(panel: Panel, places: Sequence[str], y: int) -> list[str]:
    highest = max((spread.high for line in panel.lines for spread in line.at if spread), default=1.0) * 1.1 or 1.0
    step = (WIDTH - LEFT - RIGHT) / max(1, len(places) - 1) if len(places) > 1 else 0.0
    parts = [label(12, y - 14, panel.heading, "bold")]
    for share in (0.0, 0.5, 1.0):
        at = y + HIGH * (1 - share)
        parts.append(f'<path d="M{LEFT} {at:.0f}H{WIDTH - RIGHT}" stroke="#d5d9df"/>')
        parts.append(label(12, int(at) + 4, format(highest * share, ".3g")))
    parts += [label(int(LEFT + n * step) - 4, y + HIGH + 20, place) for n, place in enumerate(places)]
    for n, line in enumerate(panel.lines):
        color = COLORS[n % len(COLORS)]
        parts += _drawn(line, color, [LEFT + k * step for k in range(len(places))], y, highest)
        parts.append(f'<rect x="{WIDTH - RIGHT + 16}" y="{y + n * 22}" width="12" height="12" fill="{color}"/>')
        parts.append(label(WIDTH - RIGHT + 34, y + n * 22 + 11, line.name))
    return parts


def _drawn(line: Line, color: str, xs: Sequence[float], y: int, highest: float) -> list[str]:
    def height(value: float) -> float:
        return y + HIGH * (1 - value / highest)

    seen = [(x, spread) for x, spread in zip(xs, line.at, strict=True) if spread]
    path = "L".join(f"{x:.1f} {height(spread.middle):.1f}" for x, spread in seen)
    parts = [f'<path d="M{path}" stroke="{color}" stroke-width="2" fill="none"/>'] if seen else []
    for x, spread in seen:
        whisker = f"M{x:.1f} {height(spread.low):.1f}V{height(spread.high):.1f}"
        parts.append(f'<path d="{whisker}" stroke="{color}" stroke-width="1.5"/>')
        parts.append(f'<circle cx="{x:.1f}" cy="{height(spread.middle):.1f}" r="3.5" fill="{color}"/>')
    return parts
