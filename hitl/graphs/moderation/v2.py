"""Version 2 of the moderation graph: what version 1 does, in fewer steps and with a state of two values.

start    → analyze → allowed, or review (people) → execute → end
rollback → review (people) → execute → end

LangGraph asks for each channel in each step and writes each into each checkpoint; so nothing is kept that a row holds.
"""

from typing import Any, Literal, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt

from hitl.graphs.work import Work

NAME, VERSION = "moderation", "2"


class State(TypedDict, total=False):
    """Ids and numbers only: content lives in rows that can be erased. A round begins with its number as the input."""

    round: int
    decision_id: str | None


def _entry(state: State) -> Literal["analyze", "rollback"]:
    return "rollback" if state["round"] > 1 else "analyze"


def analyze(state: State, runtime: Runtime[Work]) -> Command[Literal["review", "__end__"]]:
    """Read the post; the verdict is stored once under (case, round)."""
    suspect = runtime.context.judge.analyze(runtime.context.run)
    return Command(goto="review" if suspect else "__end__")


def review(state: State) -> State:
    """Wait for people; nothing else may happen here, since this runs again on every resume."""
    answer: dict[str, Any] = interrupt({"round": state["round"]})
    return {"decision_id": answer["decision_id"]}


def execute(state: State, runtime: Runtime[Work]) -> None:
    """Carry the decision out through the ledger: first what it undoes, then what it does."""
    work, decision_id = runtime.context, state.get("decision_id")
    work.ledger.reverse(work.run)
    if decision_id:
        work.ledger.carry_out(work.run, decision_id)


def rollback(state: State, runtime: Runtime[Work]) -> None:
    """Reverse what was done, newest first; then people are asked again."""
    runtime.context.ledger.reverse(runtime.context.run)


def build() -> StateGraph[State, Work, State, State]:
    """The graph, not yet compiled."""
    graph = StateGraph(State, context_schema=Work)
    graph.add_node("analyze", analyze)
    graph.add_node("review", review)
    graph.add_node("execute", execute)
    graph.add_node("rollback", rollback)
    graph.add_conditional_edges(START, _entry, ["analyze", "rollback"])
    graph.add_edge("review", "execute")
    graph.add_edge("execute", END)
    graph.add_edge("rollback", "review")
    return graph
