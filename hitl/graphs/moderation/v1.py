"""Version 1 of the moderation graph.

start    → analyze → allowed, or propose → review (people) → execute → end
rollback → review (people) → execute → end
"""

from typing import Any, Literal, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from hitl.graphs.work import Work

NAME, VERSION = "moderation", "1"


class State(TypedDict, total=False):
    """Ids, numbers and small words only: content lives in rows that can be erased."""

    case_id: str
    round: int
    todo: Literal["analyze", "rollback"]
    suspect: bool
    decision_id: str | None
    decision: str | None


def _entry(state: State) -> Literal["analyze", "rollback"]:
    return "rollback" if state.get("todo") == "rollback" else "analyze"


def analyze(state: State, runtime: Runtime[Work]) -> State:
    """Read the post; the verdict is stored once under (case, round)."""
    return {"suspect": runtime.context.judge.analyze(runtime.context.run)}


def _suspected(state: State) -> Literal["propose", "__end__"]:
    return "propose" if state.get("suspect") else "__end__"


def propose(state: State) -> State:
    """Clear the last round's answer: what is proposed now is decided anew."""
    return {"decision_id": None, "decision": None}


def review(state: State) -> State:
    """Wait for people; nothing else may happen here, since this runs again on every resume."""
    answer: dict[str, Any] = interrupt({"case_id": state["case_id"], "round": state["round"]})
    return {"decision_id": answer["decision_id"], "decision": answer["decision"]}


def execute(state: State, runtime: Runtime[Work]) -> State:
    """Carry the decision out through the ledger: first what it undoes, then what it does."""
    work, decision_id = runtime.context, state.get("decision_id")
    work.ledger.reverse(work.run)
    if decision_id:
        work.ledger.carry_out(work.run, decision_id)
    return {"todo": "analyze"}


def rollback(state: State, runtime: Runtime[Work]) -> State:
    """Reverse what was done, newest first; then people are asked again."""
    runtime.context.ledger.reverse(runtime.context.run)
    return {"decision_id": None, "decision": None}


def build() -> StateGraph[State, Work, State, State]:
    """The graph, not yet compiled."""
    graph = StateGraph(State, context_schema=Work)
    graph.add_node("analyze", analyze)
    graph.add_node("propose", propose)
    graph.add_node("review", review)
    graph.add_node("execute", execute)
    graph.add_node("rollback", rollback)
    graph.add_conditional_edges(START, _entry, ["analyze", "rollback"])
    graph.add_conditional_edges("analyze", _suspected, ["propose", END])
    graph.add_edge("propose", "review")
    graph.add_edge("review", "execute")
    graph.add_edge("execute", END)
    graph.add_edge("rollback", "review")
    return graph
