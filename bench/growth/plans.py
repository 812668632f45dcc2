"""What Postgres did for each statement, as auto_explain tells it to the connection that sent it."""

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from psycopg.errors import Diagnostic

from bench.growth.core import Core
from bench.growth.filling import OWNED

SESSION = """load 'auto_explain'; set auto_explain.log_level = notice; set auto_explain.log_format = json;
    set auto_explain.log_analyze = on; set auto_explain.log_timing = off; set auto_explain.log_nested_statements = on"""
ON, OFF = ("set auto_explain.log_min_duration = 0", "set auto_explain.log_min_duration = -1")


@dataclass(frozen=True, order=True)
class Node:
    """A part of a plan, and how many rows it looked at, those that it threw away included."""

    touched: int = 0
    what: str = ""
    whole: bool = False  # a sequential scan of a table that grows

    def __str__(self) -> str:
        return f"{self.what}: {self.touched:,} rows"


@dataclass
class Statement:
    """All that was seen of one statement: milliseconds, and the parts of its plans."""

    times: list[float] = field(default_factory=list)
    nodes: set[Node] = field(default_factory=set)

    @property
    def p50(self) -> float:
        """Its median time."""
        return median(self.times)

    @property
    def worst(self) -> Node:
        """Where it looked at most rows."""
        return max(self.nodes, default=Node())

    @property
    def whole(self) -> set[str]:
        """The tables that grow and that it read from end to end."""
        return {node.what for node in self.nodes if node.whole}


class Plans:
    """Collects while it is asked to; by the verb under way and the statement's text."""

    def __init__(self, core: Core) -> None:
        self.seen: dict[tuple[str, str], Statement] = defaultdict(Statement)
        self._verb = ""
        self._core = core
        with core.store.pool.connection() as conn:
            conn.execute(SESSION, prepare=False)  # several at once
            conn.add_notice_handler(self._hear)
        self._tell(OFF)

    @contextmanager
    def of(self, verb: str) -> Iterator[None]:
        """What is sent meanwhile is this verb's."""
        self._tell(ON)
        self._verb = verb
        try:
            yield
        finally:
            self._tell(OFF)

    def _tell(self, setting: str) -> None:
        self._verb = ""
        with self._core.store.pool.connection() as conn:
            conn.execute(setting.encode())

    def _hear(self, notice: Diagnostic) -> None:
        head, _, body = (notice.message_primary or "").partition("plan:\n")
        if not self._verb or not head.startswith("duration:"):
            return
        found = json.loads(body)
        statement = self.seen[self._verb, " ".join(found["Query Text"].split())]
        statement.times.append(float(head.split()[1]))
        statement.nodes |= set(_nodes(found["Plan"]))


def _nodes(plan: dict[str, Any]) -> Iterator[Node]:
    loops = plan.get("Actual Loops", 0)
    thrown = sum(count for name, count in plan.items() if name.startswith("Rows Removed by"))
    touched = round(loops * (plan.get("Actual Rows", 0) + thrown))
    kind, table = plan["Node Type"], plan.get("Relation Name", "")
    where = plan.get("Index Name") or table
    if loops:
        yield Node(touched, f"{kind} {where}".strip(), kind == "Seq Scan" and table in OWNED and touched > 0)
    for part in plan.get("Plans", []):
        yield from _nodes(part)
