"""Bars with whiskers, as plain SVG: the median is the bar, the smallest and largest are the line across its end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from bench.report import measures
from bench.report.results import Measure, Results, Spread
from bench.report.tables import title
from bench.report.targets import OWN

WIDTH, LEFT, RIGHT, BAR, GAP, GROUP = 860, 220, 150, 16, 4, 12
COLORS = {True: ("#1a7f5a", "#7cc4a4"), False: ("#6b7280", "#c3c8d0")}
FONT = 'font-family="system-ui, sans-serif" font-size="13"'


@dataclass(frozen=True)
class Bar:
    """One bar: which of its group's colors it has, its figures."""

    shade: int
    spread: Spread


def write(results: Results, folder: Path) -> None:
    """Write all plots."""
    charts: dict[str, tuple[str, Sequence[tuple[str, Measure]]]] = {
        "rate": ("Whole cases per second (more is better)", [("0 ms", measures.RATE), ("200 ms", measures.RATE_200)]),
        "cpu": ("Server CPU per case, ms (less is better)", [("0 ms", measures.CPU), ("200 ms", measures.CPU_200)]),
        "latency": (
            "Latency p50 at 3 cases/s, ms (less is better)",
            [("start → paused", measures.PAUSED), ("decision → completed", measures.DONE)],
        ),
    }
    for name, (heading, shown) in charts.items():
        (folder / f"{name}.svg").write_text(_chart(results, heading, shown))


def _chart(results: Results, heading: str, shown: Sequence[tuple[str, Measure]]) -> str:
    groups = [(system, _bars(results, system, shown)) for system in results.systems]
    highest = max((bar.spread.high for _, bars in groups for bar in bars), default=1.0) or 1.0
    parts, y = [label(12, 24, heading, "bold"), *_legend([name for name, _ in shown])], 66
    for system, bars in groups:
        parts.append(label(12, y + BAR - 3, title(system), "bold" if system in OWN else "normal"))
        for bar in bars:
            parts += _draw(bar, y, highest, ours=system in OWN)
            y += BAR + GAP
        y += GROUP if bars else BAR + GROUP
    box = f'width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}"'
    paper = '<rect width="100%" height="100%" fill="#fff"/>'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {box} {FONT}>', paper, *parts, "</svg>", ""])


def _bars(results: Results, system: str, shown: Sequence[tuple[str, Measure]]) -> list[Bar]:
    spreads = [(shade, results.spread(system, measure)) for shade, (_, measure) in enumerate(shown)]
    return [Bar(shade, spread) for shade, spread in spreads if spread]


def _draw(bar: Bar, y: int, highest: float, *, ours: bool) -> Iterable[str]:
    low, middle, high = (
        LEFT + value / highest * (WIDTH - LEFT - RIGHT)
        for value in (bar.spread.low, bar.spread.middle, bar.spread.high)
    )
    center = y + BAR / 2
    yield f'<rect x="{LEFT}" y="{y}" width="{middle - LEFT:.1f}" height="{BAR}" fill="{COLORS[ours][bar.shade]}"/>'
    yield f'<path d="M{low:.1f} {center}H{high:.1f}" stroke="#111" stroke-width="1.5"/>'
    yield label(int(high) + 8, y + BAR - 3, bar.spread.show())


def _legend(names: Sequence[str]) -> Iterable[str]:
    for shade, name in enumerate(names):
        x = LEFT + shade * 190
        for ours in (True, False):
            yield f'<rect x="{x + (0 if ours else 14)}" y="38" width="12" height="12" fill="{COLORS[ours][shade]}"/>'
        yield label(x + 32, 49, name)


def label(x: int, y: int, text: str, weight: str = "normal") -> str:
    """A piece of text."""
    return f'<text x="{x}" y="{y}" font-weight="{weight}" fill="#111">{escape(text)}</text>'
