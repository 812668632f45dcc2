"""Texts from files: lines, JSON, JSONL, CSV, each also gzipped. What cannot be read is a row too, with its reason."""

import csv
import gzip
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO, cast

from hitl.errors import Invalid

NAMES = ("content", "text", "prompt")
FIELDS = ("content_id", "author_id", "context", "policy", "priority")
MAX_FIELD = 10_000_000


class Tabs(csv.excel):
    """Columns between tabs; a quotation mark is a character like any other."""

    delimiter = "\t"
    quoting = csv.QUOTE_NONE


@dataclass(frozen=True, slots=True)
class Row:
    """One text to post: `body` is what POST /start takes; with `trouble` it could not even be made."""

    line: int
    body: Mapping[str, Any] = field(default_factory=dict)
    label: str | None = None
    trouble: str | None = None


def read(path: Path, *, column: str | None, label: str | None, limit: int | None) -> list[Row]:
    """The rows of a file, by its name's ending: .jsonl, .json, .csv, .tsv, anything else one text per line."""
    try:
        with _opened(path) as file:
            return list(itertools.islice(_rows(path, file, column, label), limit))
    except (OSError, EOFError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise Invalid(f"{path} cannot be read: {why}.") from None


def _opened(path: Path) -> TextIO:
    """As text; bytes that are no UTF-8 become lone surrogates, for the API to refuse."""
    how: dict[str, Any] = {"mode": "rt", "encoding": "utf-8-sig", "errors": "surrogateescape", "newline": ""}
    return cast(TextIO, gzip.open(path, **how) if path.suffix == ".gz" else path.open(**how))


def _rows(path: Path, file: TextIO, column: str | None, label: str | None) -> Iterator[Row]:
    kind = Path(path.name.removesuffix(".gz")).suffix.lower()
    if kind in (".csv", ".tsv"):
        return _table(path, file, column, label, Tabs if kind == ".tsv" else csv.excel)
    if kind == ".json":
        return _array(path, file, column, label)
    lines = ((number, line.strip("\r\n")) for number, line in enumerate(file, start=1))
    filled = ((number, line) for number, line in lines if line)
    if kind in (".jsonl", ".ndjson"):
        return (_object(number, line, column, label) for number, line in filled)
    return (Row(number, {"content": line}) for number, line in filled)


def _array(path: Path, file: TextIO, column: str | None, label: str | None) -> Iterator[Row]:
    try:
        found = json.load(file)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{path} is not JSON: {error}.") from None
    if not isinstance(found, list):
        raise Invalid(f"{path} must hold a JSON array of texts or of objects.")
    for number, one in enumerate(found, start=1):
        yield Row(number, {"content": one}) if isinstance(one, str) else _entry(number, one, column, label)


def _object(number: int, line: str, column: str | None, label: str | None) -> Row:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return Row(number, trouble="the line is not JSON")
    return _entry(number, found, column, label)


def _entry(number: int, found: Any, column: str | None, label: str | None) -> Row:
    if not isinstance(found, dict):
        return Row(number, trouble="it is not a JSON object")
    name = _column(found, column)
    if name is None:
        return Row(number, trouble=f"the object has no {column or ', '.join(NAMES)}")
    extra = {field: found[field] for field in FIELDS if field in found and found[field] is not None}
    return Row(number, {"content": found[name], **extra}, _label(found, label))


def _table(
    path: Path, file: TextIO, column: str | None, label: str | None, dialect: type[csv.Dialect]
) -> Iterator[Row]:
    csv.field_size_limit(MAX_FIELD)
    table = csv.DictReader(file, dialect=dialect)
    name = _column(dict.fromkeys(table.fieldnames or []), column)
    if name is None:
        raise Invalid(f"{path} has no such column; it has {', '.join(table.fieldnames or [])}. Choose with --column.")
    try:
        for found in table:
            extra = {field: found[field] for field in FIELDS[:2] if found.get(field)}
            yield Row(table.line_num, {"content": found[name], **extra}, _label(found, label))
    except csv.Error as error:
        yield Row(table.line_num, trouble=f"the rest of the table cannot be read: {error}")


def _column(found: Mapping[str, Any], wanted: str | None) -> str | None:
    """The column or key that holds the text: the one asked for, else the first usual name, in any case."""
    known = {name.lower(): name for name in found if name}
    names = (wanted.lower(),) if wanted else NAMES
    return next((known[name] for name in names if name in known), None)


def _label(found: Mapping[str, Any], name: str | None) -> str | None:
    return None if name is None else str(found.get(name, ""))
