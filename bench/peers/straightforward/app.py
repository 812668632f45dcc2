"""The straightforward design: FastAPI takes requests, Dramatiq's workers run the graph, LangGraph's saver keeps it.

As tutorials and weekend projects have it: a saver is opened for each task and each look at the status, the graph is
compiled with it, a static breakpoint stands before the review, and the status is read from the checkpoint.
"""

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypedDict

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from fastapi import FastAPI, HTTPException
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from pydantic import BaseModel

DATABASE_URL = os.environ["DATABASE_URL"]
LATENCY = int(os.environ["ANALYZER_MS"]) / 1000
dramatiq.set_broker(RabbitmqBroker(url=os.environ["BROKER_URL"]))


class State(TypedDict, total=False):
    """What the graph knows of a case."""

    content: str
    author: str
    verdict: dict[str, Any]
    decision: str | None
    appeal: bool
    actions: list[dict[str, Any]]
    round: int


def analyze(_: State) -> State:
    """Find a violation, as slowly as a model would."""
    time.sleep(LATENCY)
    return {"verdict": {"policy": "harassment", "severity": 2}, "actions": [], "round": 1}


def review(_: State) -> State:
    """The graph stops before this node; the decision is in the state when it goes on."""
    return {}


def act(_: State) -> State:
    """Carry out the decision."""
    return {"actions": [{"kind": "remove_content", "reversed": False}]}


def rollback(state: State) -> State:
    """Reverse what was done; then people are asked again."""
    undone = [{**action, "reversed": True} for action in state["actions"]]
    return {"actions": undone, "appeal": False, "decision": None, "round": state["round"] + 1}


builder = StateGraph(State)
for node in (analyze, review, act, rollback):
    builder.add_node(node)
builder.add_conditional_edges(START, lambda state: "rollback" if state.get("appeal") else "analyze")
builder.add_edge("analyze", "review")
builder.add_conditional_edges("review", lambda state: "act" if state["decision"] == "remove" else END)
builder.add_edge("act", END)
builder.add_edge("rollback", "review")


@contextmanager
def compiled() -> Iterator[CompiledStateGraph]:
    """The graph with a saver of its own."""
    with PostgresSaver.from_conn_string(DATABASE_URL) as saver:
        yield builder.compile(checkpointer=saver, interrupt_before=["review"])


def config(case_id: str) -> Any:
    """The case is the thread."""
    return {"configurable": {"thread_id": case_id}}


@dramatiq.actor
def start_case(case_id: str, content: str, author: str) -> None:
    """Run the graph up to the review."""
    with compiled() as graph:
        graph.invoke({"content": content, "author": author}, config(case_id))


@dramatiq.actor
def resume_case(case_id: str, decision: str) -> None:
    """Put the decision into the state and go on."""
    with compiled() as graph:
        graph.update_state(config(case_id), {"decision": decision})
        graph.invoke(None, config(case_id))


@dramatiq.actor
def rollback_case(case_id: str) -> None:
    """Enter the graph again, at the rollback node."""
    with compiled() as graph:
        graph.invoke({"appeal": True}, config(case_id))


class Post(BaseModel):
    """What is moderated."""

    content: str
    author: str


class Decision(BaseModel):
    """What a person decided."""

    case_id: str
    decision: Literal["remove", "keep"]


class Appeal(BaseModel):
    """Which case an author appeals."""

    case_id: str


app = FastAPI()


@app.post("/start", status_code=202)
def start(post: Post) -> dict[str, str]:
    """A: queue the case."""
    case_id = str(uuid.uuid4())
    start_case.send(case_id, post.content, post.author)
    return {"case_id": case_id}


@app.post("/resume", status_code=202)
def resume(decision: Decision) -> dict[str, str]:
    """B and D: queue the decision."""
    resume_case.send(decision.case_id, decision.decision)
    return {"case_id": decision.case_id}


@app.post("/rollback", status_code=202)
def appeal(appeal: Appeal) -> dict[str, str]:
    """C: queue the rollback."""
    rollback_case.send(appeal.case_id)
    return {"case_id": appeal.case_id}


@app.get("/status/{case_id}")
def status(case_id: str) -> dict[str, Any]:
    """Read the status from the checkpoint."""
    with compiled() as graph:
        seen = graph.get_state(config(case_id))
    known = {"round": seen.values.get("round", 1), "actions": seen.values.get("actions", [])}
    if "review" in seen.next:
        return {"status": "waiting_review", **known}
    done = seen.values.get("decision") and not seen.tasks  # `next` is empty a moment before the last step is kept
    return {"status": "completed" if done else "running", **known}


@app.get("/healthz")
def healthz() -> dict[str, str]:
    """Whether it serves."""
    if not DATABASE_URL:
        raise HTTPException(503)
    return {"status": "ok"}
