"""The moderation work as a graph for LangGraph's development server, and for Aegra."""

import asyncio
import os
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

LATENCY = int(os.environ["ANALYZER_MS"]) / 1000


class State(TypedDict, total=False):
    """What the graph knows of a case."""

    content: str
    author: str
    verdict: dict[str, Any]
    decision: str | None
    appeal: bool
    actions: list[dict[str, Any]]


async def analyze(_: State) -> State:
    """Find a violation, as slowly as a model would."""
    await asyncio.sleep(LATENCY)
    return {"verdict": {"policy": "harassment", "severity": 2}, "actions": []}


async def review(state: State) -> State:
    """Ask people."""
    return {"decision": interrupt({"verdict": state["verdict"]})}


async def act(_: State) -> State:
    """Carry out the decision."""
    return {"actions": [{"kind": "remove_content", "reversed": False}]}


async def rollback(state: State) -> State:
    """Reverse what was done; then people are asked again."""
    undone = [{**action, "reversed": True} for action in state["actions"]]
    return {"actions": undone, "appeal": False, "decision": None}


builder = StateGraph(State)
for node in (analyze, review, act, rollback):
    builder.add_node(node)
builder.add_conditional_edges(START, lambda state: "rollback" if state.get("appeal") else "analyze")
builder.add_edge("analyze", "review")
builder.add_conditional_edges("review", lambda state: "act" if state["decision"] == "remove" else END)
builder.add_edge("act", END)
builder.add_edge("rollback", "review")
graph = builder.compile()
