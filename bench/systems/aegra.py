"""Aegra: LangGraph's protocol on Postgres."""

import shutil

from bench.clients.agent_protocol import AgentProtocolClient
from bench.places import PEERS
from bench.systems.household import Household
from bench.systems.installing import venv, versions
from bench.systems.programs import answers

__all__ = ["AgentProtocolClient"]

PYTHON = (3, 12)
HOW = (
    "`uvicorn aegra_api.main:app`, one process with its defaults: local executor (no Redis, so not its "
    "production mode), SQLAlchemy pool of 10 and 20 more, LangGraph pool of 20, authentication off, log level "
    "error. The graph, the client and `durability: exit` are those of LangGraph's development server."
)


def install() -> None:
    """From PyPI; it needs a newer Python than Guardian."""
    venv("aegra", PYTHON)


def installed() -> dict[str, str]:
    """The versions that the lock names."""
    return versions("aegra", ["aegra-api", "langgraph", "langgraph-checkpoint-postgres", "fastapi", "uvicorn"])


def start(household: Household) -> None:
    """One server, which makes its tables."""
    place = household.folder / "aegra"
    shutil.copytree(PEERS / "langgraph", place)
    own = {
        "ANALYZER_MS": str(household.milliseconds),
        "DATABASE_URL": household.postgres(),
        "AEGRA_CONFIG": str(place / "langgraph.json"),
        "AUTH_TYPE": "noop",
        "LOG_LEVEL": "ERROR",
        "ENV_MODE": "PRODUCTION",
        "PYTHONPATH": str(place),
    }
    uvicorn = [str(venv("aegra", PYTHON) / "python"), "-m", "uvicorn", "aegra_api.main:app", "--host", "127.0.0.1"]
    serve = [*uvicorn, "--port", str(household.port), "--no-access-log", "--log-level", "warning"]
    household.run("aegra", serve, own, answers(household.port, "/health"))
