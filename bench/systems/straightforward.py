"""The straightforward design: FastAPI, Dramatiq over RabbitMQ, LangGraph's Postgres saver."""

import shutil
import subprocess

from bench.clients.straightforward import StraightforwardClient
from bench.places import PEERS
from bench.systems.household import Household
from bench.systems.installing import rabbitmq, venv, versions
from bench.systems.programs import answers, environment

__all__ = ["StraightforwardClient"]

HOW = (
    "As tutorials and weekend projects put it together: `uvicorn app:app`, `dramatiq app -p 1` (8 threads), RabbitMQ, "
    "LangGraph's Postgres saver opened for each task and each look at the status, the graph compiled with it, a static "
    "breakpoint before the review. The client polls every 250 ms, every 50 ms at the gentle rate."
)


def install() -> None:
    """From PyPI; RabbitMQ is there for Guardian."""
    venv("straightforward")


def installed() -> dict[str, str]:
    """The versions that the lock names, and RabbitMQ's."""
    packages = ["langgraph", "langgraph-checkpoint-postgres", "dramatiq", "fastapi", "uvicorn"]
    return versions("straightforward", packages) | rabbitmq()


def start(household: Household) -> None:
    """The saver's tables, the workers, the server."""
    place = household.folder / "desk"
    shutil.copytree(PEERS / "straightforward", place)
    own = {"DATABASE_URL": household.postgres(), "BROKER_URL": household.rabbitmq(), "PYTHONPATH": str(place)}
    own |= {"ANALYZER_MS": str(household.milliseconds), "LANGSMITH_TRACING": "false"}
    python = str(venv("straightforward") / "python")
    setup = [python, str(place / "setup_tables.py")]
    subprocess.run(setup, env=environment(own), cwd=place, check=True, capture_output=True)
    household.run("workers", [python, "-m", "dramatiq", "app", "-p", "1"], own, lambda: True)
    uvicorn = [python, "-m", "uvicorn", "app:app", "--host", "127.0.0.1", "--port", str(household.port)]
    serve = [*uvicorn, "--no-access-log", "--log-level", "warning"]
    household.run("desk", serve, own, answers(household.port, "/healthz"))
