"""LangGraph's own development server."""

import shutil

from bench.clients.agent_protocol import AgentProtocolClient
from bench.places import PEERS
from bench.systems.household import Household
from bench.systems.installing import venv, versions
from bench.systems.programs import answers

__all__ = ["AgentProtocolClient"]

JOBS = 10  # 2, 4, 10, 32 and 64 were tried: 4 and 10 gave the most cases per second
_DEV = (
    "`langgraph dev --no-reload`, {}; its state is in memory and pickled now and then, so it promises less than the "
    "others. Async nodes, `interrupt()`, `durability: exit`; each quarter of a case is a run, the client joins it."
)
HOW = _DEV.format("its default of one job at a time")
HOW_JOBS = _DEV.format(f"`--n-jobs-per-worker {JOBS}`")


def install() -> None:
    """From PyPI."""
    venv("langgraph")


def installed() -> dict[str, str]:
    """The versions that the lock names."""
    return versions("langgraph", ["langgraph-api", "langgraph-runtime-inmem", "langgraph-cli", "langgraph"])


def start_default(household: Household) -> None:
    """As it comes."""
    _start(household)


def start_jobs(household: Household) -> None:
    """With more jobs at once."""
    _start(household, "--n-jobs-per-worker", str(JOBS))


def _start(household: Household, *options: str) -> None:
    place = household.folder / "langgraph"
    shutil.copytree(PEERS / "langgraph", place)
    binaries = venv("langgraph")
    own = {
        "ANALYZER_MS": str(household.milliseconds),
        "PATH": f"{binaries}:/usr/bin:/bin",
        "LANGGRAPH_CLI_NO_ANALYTICS": "1",
        "LANGSMITH_TRACING": "false",
        "LOG_LEVEL": "ERROR",
    }
    serve = [str(binaries / "langgraph"), "dev", "--no-reload", "--no-browser", "--host", "127.0.0.1"]
    ready = answers(household.port, "/ok")
    household.run("langgraph", [*serve, "--port", str(household.port), *options], own, ready)
