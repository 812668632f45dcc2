"""The moderation work on Restate: a durable workflow for each review, a promise for what people decide."""

import asyncio
import os
from datetime import timedelta
from typing import TypedDict

import restate
from restate import WorkflowContext, WorkflowSharedContext

LATENCY = int(os.environ["ANALYZER_MS"]) / 1000
reviews = restate.Workflow("Review", inactivity_timeout=timedelta(minutes=1))


class Post(TypedDict):
    """What is moderated; `reverses` names the review that an appeal is about."""

    content: str
    author: str
    reverses: str | None


async def analyze() -> dict[str, str]:
    """Find a violation, as slowly as a model would."""
    await asyncio.sleep(LATENCY)
    return {"policy": "harassment", "severity": "2"}


async def remove_content() -> dict[str, str]:
    """Act."""
    return {"kind": "remove_content", "status": "applied"}


async def restore_content() -> dict[str, str]:
    """Reverse the act."""
    return {"kind": "remove_content", "status": "reversed"}


@reviews.main()
async def run(ctx: WorkflowContext, post: Post) -> str:
    """Analyze or reverse, ask people, do what they say."""
    if post["reverses"]:
        await ctx.run_typed("reverse", restore_content)
    else:
        await ctx.run_typed("analyze", analyze)
    await ctx.promise("paused", type_hint=str).resolve("waiting_review")
    decision = await ctx.promise("decision", type_hint=str).value()
    if decision == "keep":
        return "kept"
    await ctx.run_typed("act", remove_content)
    return "removed"


@reviews.handler()
async def paused(ctx: WorkflowSharedContext) -> str:
    """Wait until people are asked."""
    return await ctx.promise("paused", type_hint=str).value()


@reviews.handler()
async def decide(ctx: WorkflowSharedContext, decision: str) -> None:
    """Record what a person decided."""
    await ctx.promise("decision", type_hint=str).resolve(decision)


app = restate.app(services=[reviews])
