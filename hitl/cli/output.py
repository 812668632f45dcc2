"""How the commands speak: color and tables on a terminal, plain lines for everything else."""

import json
import unicodedata
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)
GOOD, BAD, CARE, FAINT, STRONG = "green", "bold red", "yellow", "dim", "bold"


def clean(value: object) -> str:
    """A value as text that cannot steer a terminal: control and direction characters become visible."""
    text = "" if value is None else str(value)
    return "".join("\N{REPLACEMENT CHARACTER}" if _steers(c) else c for c in text)


def _steers(character: str) -> bool:
    return character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cf", "Cs")


def say(text: str, style: str = "") -> None:
    """One line of result; never wrapped, for others may read it."""
    out.print(Text(text, style=style), soft_wrap=True)


def complain(text: str) -> None:
    """One line of trouble, on stderr."""
    err.print(Text.assemble(("Error: ", BAD), clean(text)), soft_wrap=True)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, styles: Sequence[str] = ()) -> None:
    """Rows under headings; `styles` has one style per row. Not on a terminal: aligned columns, nothing cut off."""
    cells = [[clean(cell) for cell in row] for row in rows]
    if not out.is_terminal:
        _plain(columns, cells)
        return
    shown = Table(box=None, header_style=STRONG, pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold")
    for number, row in enumerate(cells):
        shown.add_row(*(Text(cell) for cell in row), style=styles[number] if styles else None)
    out.print(shown)


def as_json(value: Any) -> None:
    """For programs: JSON, two spaces of indent."""
    out.print(Text(json.dumps(value, indent=2, default=str)), soft_wrap=True)


def _plain(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    lines = [list(columns), *([cell.replace("\n", " ") for cell in row] for row in cells)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    for line in lines:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
