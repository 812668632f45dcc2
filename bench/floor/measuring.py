"""CPU per whole case of each library alone.

Three parts that Guardian is made of and cannot do without: a web framework that answers a case's eight requests,
LangGraph's four invokes with its checkpoints in memory, and PostgreSQL with a case's facts. Their sum is what a case
costs with nothing of ours around it.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import psycopg
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command as Resume

from bench.floor import facts
from bench.wire import Wire
from hitl.graphs.moderation import v2
from hitl.graphs.work import Work
from hitl.store.embedded import EmbeddedPostgres
from tests.services.folders import throwaway
from tests.services.ports import free_port, listening

CASES, WARM, AT_ONCE = 1500, 150, 32
BODY = {"case_id": "0" * 36, "decision": "edit", "actions": [{"kind": "remove_content"}], "reason": "It is rude."}
AUTHORIZED = "Authorization: Bearer someone\r\n"


def measure() -> dict[str, float]:
    """All of it, one after the other: milliseconds of CPU per case by part, and together."""
    os.environ["LANGSMITH_TRACING"] = "false"
    found = {"web framework": _desk(), "LangGraph": _langgraph(), **_facts()}
    return {name: round(ms, 2) for name, ms in {**found, "together": sum(found.values())}.items()}


def _desk() -> float:
    """The server's part only."""
    with _uvicorn() as (process, port):
        asyncio.run(_ask(port, WARM))
        before = _cpu(process)
        asyncio.run(_ask(port, CASES))
        return (_cpu(process) - before) / CASES * 1000


async def _ask(port: int, cases: int) -> None:
    wire, left = Wire(port), iter(range(cases))

    async def one() -> None:
        for _ in left:
            for verb in ("start", "resume", "rollback", "resume"):
                await wire.ask("POST", f"/{verb}", BODY, AUTHORIZED)
                await wire.ask("GET", "/status/0123?wait=30&until=rest", None, AUTHORIZED)

    await asyncio.gather(*(one() for _ in range(AT_ONCE)))
    wire.close()


@contextmanager
def _uvicorn() -> Iterator[tuple[psutil.Process, int]]:
    port = free_port()
    quiet = ["--no-access-log", "--log-level", "warning", "--port", str(port)]
    process = subprocess.Popen([sys.executable, "-m", "uvicorn", "bench.floor.desk:app", *quiet])
    try:
        while not listening(port):
            time.sleep(0.1)
        yield psutil.Process(process.pid), port
    finally:
        process.terminate()
        process.wait()


class _Nothing:
    """A judge that suspects everything, and a ledger without work."""

    quick = True

    def analyze(self, run: Any) -> bool:
        """Suspect it."""
        return True

    def reverse(self, run: Any) -> None:
        """Nothing is undone."""

    def carry_out(self, run: Any, decision_id: str) -> None:
        """Nothing is done."""

    settle = reverse


def _langgraph() -> float:
    nothing: Any = _Nothing()
    graph = v2.build().compile(checkpointer=InMemorySaver())
    work = Work(None, nothing, nothing)  # type: ignore[arg-type]

    def one(number: int) -> None:
        config = RunnableConfig(configurable={"thread_id": str(number)})

        def go(given: Any) -> Any:
            return graph.invoke(given, config, context=work, durability="exit", version="v2")

        for round_ in (1, 2):
            paused = go({"round": round_})
            answer = {"decision_id": "0", "decision": "edit"}
            go(Resume(resume={paused.interrupts[0].id: answer}))

    return _spent(one, time.process_time)


def _facts() -> dict[str, float]:
    with (
        throwaway("floor") as folder,
        EmbeddedPostgres(folder) as postgres,
        psycopg.connect(postgres.url, autocommit=True) as connection,
    ):
        connection.execute(facts.TABLES)
        server = psutil.Process(connection.info.backend_pid)
        around = [p for p in psutil.Process(postgres.pid).children() if p.pid != server.pid]
        for number in range(WARM):
            facts.case(connection, number)
        ours, theirs = time.process_time(), sum(map(_cpu, (server, *around)))
        for number in range(WARM, WARM + CASES):
            facts.case(connection, number)
        spent = {
            "a client of PostgreSQL": time.process_time() - ours,
            "PostgreSQL": sum(map(_cpu, (server, *around))) - theirs,
        }
        return {name: seconds / CASES * 1000 for name, seconds in spent.items()}


def _spent(one: Callable[[int], None], clock: Callable[[], float]) -> float:
    for number in range(WARM):
        one(number)
    began = clock()
    for number in range(WARM, WARM + CASES):
        one(number)
    return (clock() - began) / CASES * 1000


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
