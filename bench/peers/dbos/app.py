"""The moderation work on DBOS: a durable workflow for each review, events to wait for, messages for decisions."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dbos import DBOS, SetWorkflowID
from fastapi import FastAPI
from pydantic import BaseModel

LATENCY = int(os.environ["ANALYZER_MS"]) / 1000
WAIT = 30.0
A_DAY = 86_400.0


class Post(BaseModel):
    """What is moderated."""

    review_id: str
    content: str
    author: str


class Decision(BaseModel):
    """What a person decided."""

    review_id: str
    decision: str


class Appeal(BaseModel):
    """A second review, after the first one's action is reversed."""

    review_id: str
    reverses: str


@DBOS.step()
async def analyze(_content: str) -> dict[str, str]:
    """Find a violation, as slowly as a model would."""
    await asyncio.sleep(LATENCY)
    return {"policy": "harassment", "severity": "2"}


@DBOS.step()
async def remove_content() -> dict[str, str]:
    """Act."""
    return {"kind": "remove_content", "status": "applied"}


@DBOS.step()
async def restore_content() -> dict[str, str]:
    """Reverse the act."""
    return {"kind": "remove_content", "status": "reversed"}


@DBOS.workflow()
async def review(content: str | None, reverses: str | None) -> str:
    """Analyze or reverse, ask people, do what they say."""
    if reverses:
        await restore_content()
    else:
        await analyze(content or "")
    await DBOS.set_event_async("paused", "waiting_review")
    decision = await DBOS.recv_async("decision", timeout_seconds=A_DAY)
    outcome = "kept"
    if decision == "remove":
        await remove_content()
        outcome = "removed"
    await DBOS.set_event_async("completed", outcome)
    return outcome


DBOS(
    config={
        "name": "moderation",
        "system_database_url": os.environ["DATABASE_URL"],
        "application_version": "1",
        "executor_id": "local",
        "log_level": "WARNING",
        "enable_otlp": False,
    }
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Launch with the server: workflows that were interrupted are recovered here."""
    DBOS.launch()
    yield
    DBOS.destroy()


app = FastAPI(lifespan=lifespan)


@app.post("/start", status_code=202)
async def start(post: Post) -> dict[str, str]:
    """A: start the first review."""
    with SetWorkflowID(post.review_id):
        await DBOS.start_workflow_async(review, post.content, None)
    return {"review_id": post.review_id}


@app.post("/decide", status_code=202)
async def decide(decision: Decision) -> dict[str, str]:
    """B and D: send the workflow what a person decided."""
    await DBOS.send_async(decision.review_id, decision.decision, "decision")
    return {"review_id": decision.review_id}


@app.post("/rollback", status_code=202)
async def rollback(appeal: Appeal) -> dict[str, str]:
    """C: start the second review, which begins with the reversal."""
    with SetWorkflowID(appeal.review_id):
        await DBOS.start_workflow_async(review, None, appeal.reverses)
    return {"review_id": appeal.review_id}


@app.get("/reviews/{review_id}/{event}")
async def wait(review_id: str, event: str) -> dict[str, str | None]:
    """Wait for an event of a review."""
    return {"value": await DBOS.get_event_async(review_id, event, WAIT)}
