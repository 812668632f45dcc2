"""Writes that nobody waits for ride along with the next statement: one round trip to Postgres instead of several."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

PARAMETER = re.compile(r"%\((\w+)\)s|%s")
CARRIERS = re.compile(r"\s*(select|insert|update|delete|with(?!\s+recursive))\s", re.IGNORECASE)


class Write(NamedTuple):
    """An insert, update or delete without WITH queries of its own, and its parameters, by name or in order."""

    sql: str
    params: Any = None


def carries(sql: str) -> bool:
    """Whether a statement can take riders along."""
    return CARRIERS.match(sql) is not None


def together(riders: Sequence[Write], sql: str, params: Any) -> Write:
    """One statement that does the riders' writes and answers as `sql` does.

    Its parts see the same snapshot: none sees what another does, and no two may write the same row.
    """
    texts = tuple(rider.sql for rider in riders)
    values: dict[str, Any] = {}
    for n, rider in enumerate(riders):
        values |= _named(rider.params, f"r{n}_")
    if params is None:
        sql = sql.replace("%", "%%")  # it is read as a text with parameters now
    if isinstance(params, Mapping):
        return Write(_joined(texts, sql), values | dict(params))
    return Write(_joined(texts, _renamed(sql, "m")), values | _named(params, "m"))


@lru_cache(maxsize=512)
def _joined(texts: tuple[str, ...], sql: str) -> str:
    queries = ",\n".join(f"rider{n} as ({_renamed(text, f'r{n}_')}\n)" for n, text in enumerate(texts))
    sql = sql.strip()
    if sql[:5].lower() == "with ":
        return f"with {queries},\n{sql[5:]}"
    return f"with {queries}\n{sql}"


def _renamed(sql: str, prefix: str) -> str:
    """The same with its parameters named anew, those in order by their number."""
    count = iter(range(len(sql)))
    return PARAMETER.sub(lambda found: f"%({prefix}{found[1] or next(count)})s", sql).strip().rstrip(";")


def _named(params: Any, prefix: str) -> dict[str, Any]:
    pairs = params.items() if isinstance(params, Mapping) else enumerate(params or ())
    return {f"{prefix}{name}": value for name, value in pairs}
