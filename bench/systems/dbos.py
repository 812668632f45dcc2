"""DBOS Transact behind FastAPI."""

import shutil

from bench.clients.dbos import DbosClient
from bench.places import PEERS
from bench.systems.household import Household
from bench.systems.installing import venv, versions
from bench.systems.programs import answers

__all__ = ["DbosClient"]

HOW = (
    "One process: uvicorn with uvloop and httptools, FastAPI, DBOS launched in it with its defaults (LISTEN/NOTIFY on, "
    "default pool, tracing off). An async workflow for each review, steps for analysis, action and reversal, "
    "`set_event` for the pause and the end, `recv` for the decision; the client's requests wait in `get_event`."
)


def install() -> None:
    """From PyPI."""
    venv("dbos")


def installed() -> dict[str, str]:
    """The versions that the lock names."""
    return versions("dbos", ["dbos", "fastapi", "uvicorn", "psycopg"])


def start(household: Household) -> None:
    """One server."""
    url = household.postgres().replace("postgresql://", "postgresql+psycopg://")
    place = household.folder / "dbos"
    shutil.copytree(PEERS / "dbos", place)
    own = {"ANALYZER_MS": str(household.milliseconds), "DATABASE_URL": url}
    uvicorn = [str(venv("dbos") / "python"), "-m", "uvicorn", "app:app", "--host", "127.0.0.1"]
    serve = [*uvicorn, "--port", str(household.port), "--no-access-log", "--log-level", "warning"]
    household.run("dbos", serve, own, answers(household.port, "/docs"))
