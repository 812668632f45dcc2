"""Graphs by name and version; a version is known by its fingerprint, and old versions stay served."""

import hashlib
import json
import typing
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from langgraph.graph import StateGraph

from hitl.errors import Invalid
from hitl.graphs.moderation import v1, v2
from hitl.store import workers
from hitl.store.postgres import Tx

Builder = Callable[[], StateGraph[Any, Any, Any, Any]]


@dataclass(frozen=True, slots=True)
class GraphVersion:
    """One released graph; `durability` is LangGraph's: `exit` for short pure segments, `sync` for long chains.

    `width`: how many of its nodes may run at once, if that is limited; each further one takes a thread.
    """

    name: str
    version: str
    build: Builder
    durability: typing.Literal["exit", "sync"] = "exit"
    width: int | None = None

    @property
    def label(self) -> str:
        """`name@version`, as commands and workers name it."""
        return f"{self.name}@{self.version}"


BUILT_IN = tuple(GraphVersion(v.NAME, v.VERSION, v.build, width=1) for v in (v1, v2))
VERSIONS: MappingProxyType[str, GraphVersion] = MappingProxyType({g.label: g for g in BUILT_IN})


def fingerprint(graph: StateGraph[Any, Any, Any, Any]) -> str:
    """SHA-256 (hex) over a graph's nodes, edges, branches, jumps and state: what paused cases depend on."""
    shape: dict[str, Any] = {
        "nodes": sorted(graph.nodes),
        "edges": sorted(map(list, graph.edges)),
        "branches": {
            node: {name: sorted((branch.ends or {}).items()) for name, branch in found.items()}
            for node, found in sorted(graph.branches.items())
        },
        "state": {name: str(kind) for name, kind in sorted(typing.get_type_hints(graph.state_schema).items())},
    }
    jumps = {name: sorted(node.ends) for name, node in sorted(graph.nodes.items()) if node.ends}
    if jumps:  # where nodes go by a Command; a shape without any is as it was before this was known
        shape["jumps"] = jumps
    return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()


def register(tx: Tx) -> None:
    """Store the fingerprint of every version served here; Invalid when a label has meant another graph before."""
    for found in VERSIONS.values():
        ours = fingerprint(found.build())
        stored = workers.register(tx, found.name, found.version, ours)
        if stored != ours:
            raise Invalid(
                f"Graph {found.label} is not the one that this database knows under that label: "
                "cases paused in the old one would break. Give the changed graph a new version."
            )
