"""`hitl seed`: a file of texts through the running system."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hitl.cli import output, seed_rows, seed_table
from hitl.cli.seed_posts import Outcome, Poster
from hitl.cli.seed_rows import Row
from hitl.errors import Invalid

Tell = Callable[[], None]
URL, TOKEN = "http://127.0.0.1:8000", "dev-author"


def seed(
    file: Annotated[Path, typer.Argument(help="Texts: .txt (one per line), .jsonl, .json, .csv, .tsv, or one .gz.")],
    *,
    url: Annotated[str, typer.Option(help="The running Guardian.")] = URL,
    token: Annotated[str, typer.Option(help="Whose token.")] = TOKEN,
    column: Annotated[str | None, typer.Option(help="The column with the text: content, text or prompt.")] = None,
    labels: Annotated[str | None, typer.Option(help="A column to count the outcomes by.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only that many rows.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Requests at a time.")] = 8,
    json: Annotated[bool, typer.Option("--json", help="The outcome as JSON, for programs.")] = False,
) -> None:
    """Post a file of texts, wait until each case is at rest, and print what became of them.

    Try the forty posts that come with Guardian: `hitl seed examples/posts.jsonl`. JSONL may also name content_id,
    author_id, context, policy and priority. What the API refuses is listed with its reason; exit code 1 when a case
    failed, or when nothing at all was taken.
    """
    rows = seed_rows.read(file, column=column, label=labels, limit=limit)
    if not rows:
        raise Invalid(f"{file} has no rows.")
    began = time.monotonic()
    outcomes = _through(rows, url, token, concurrency)
    seconds = max(time.monotonic() - began, 0.001)
    if json:
        seed_table.as_json(outcomes, seconds)
    else:
        seed_table.show(outcomes, seconds, labels=labels is not None)
    fates = {seed_table.fate(outcome) for outcome in outcomes}
    if fates == {"refused"} or "failed" in fates:
        raise typer.Exit(1)


def _through(rows: list[Row], url: str, token: str, concurrency: int) -> list[Outcome]:
    poster = Poster(url.rstrip("/"), token, concurrency=concurrency)
    try:
        poster.check()
        with _progress(len(rows)) as (posted, rested):
            return poster.post(rows, posted, rested)
    finally:
        poster.close()


@contextmanager
def _progress(total: int) -> Iterator[tuple[Tell, Tell]]:
    """Two bars on a terminal, on stderr; nothing elsewhere."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=output.err, disable=not output.err.is_terminal) as bars:
        posted, rested = bars.add_task("Posted", total=total), bars.add_task("At rest", total=total)
        yield lambda: bars.advance(posted), lambda: bars.advance(rested)
