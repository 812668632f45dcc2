"""A desk on a fresh database, called in this process or over a real socket."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.joined import Protocol
from api.main import create_app
from hitl.runtime import Runtime, build
from hitl.settings import Settings
from tests.services.ports import free_port
from tests.services.postgres import Databases


def settings(**changes: Any) -> Settings:
    """Settings that no file or environment variable changes."""
    return Settings(_env_file=None, **changes)


def as_(person: str) -> dict[str, str]:
    """The header that makes a request this person's."""
    return {"Authorization": f"Bearer {person}"}


@contextmanager
def desk_on(url: str, **changes: Any) -> Iterator[tuple[TestClient, Runtime]]:
    """A desk in this process, as if on loopback."""
    runtime = build(settings(**changes), url=url)
    with TestClient(create_app(runtime), base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50000)) as client:
        yield client, runtime
    runtime.close()


@pytest.fixture(scope="module")
def module_database(databases: Databases) -> Iterator[str]:
    """One database for a module whose tests do not meet in it."""
    with databases.fresh() as url:
        yield url


@pytest.fixture(scope="module")
def desk(module_database: str) -> Iterator[TestClient]:
    """A desk shared by a module's tests."""
    with desk_on(module_database) as (client, _):
        yield client


@pytest.fixture
def own_desk(database_url: str) -> Iterator[tuple[TestClient, Runtime]]:
    """A desk for one test alone."""
    with desk_on(database_url) as found:
        yield found


@contextmanager
def served(app: FastAPI) -> Iterator[httpx.Client]:
    """The app behind a real uvicorn on a free port."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", http=Protocol))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            wait_until_up(client)
            yield client
    finally:
        app.state.desk.hub.close()
        server.should_exit = True
        thread.join(10)


def wait_until_up(client: httpx.Client) -> None:
    """Hold on until the server answers."""
    patience = threading.Event()
    for _ in range(600):
        try:
            client.get("/healthz")
        except httpx.ConnectError:
            patience.wait(0.05)
        else:
            return
    raise AssertionError("the server did not come up")


def post(client: Any, person: str = "dev-author", **body: Any) -> str:
    """Start a case; its id."""
    answer = client.post("/start", json={"content": "A mild text.", **body}, headers=as_(person))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["case_id"])
