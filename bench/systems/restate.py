"""Restate: one server and one Python service endpoint."""

import http.client
import json
import platform
import shutil

from bench.clients.restate import RestateClient
from bench.places import PEERS, REQUIREMENTS
from bench.systems.household import Household
from bench.systems.installing import NotInstallable, node_modules, venv, versions
from bench.systems.programs import answers
from tests.services.ports import free_port, free_ports

__all__ = ["RestateClient"]

HOW = (
    "One `restate-server` with its defaults (single node, 24 partitions, replicated loglet with one copy, its "
    "write-ahead log synced), telemetry off, log level warn; the Python service under hypercorn, one worker "
    "with uvloop, HTTP/2. A workflow for each review, `ctx.run` for analysis, action and reversal, durable "
    "promises for the pause and the decision. The client calls a handler that waits for the pause, and "
    "attaches to the workflow for its end."
)


def install() -> None:
    """The server from npm, the SDK from PyPI."""
    venv("restate")
    _server()


def installed() -> dict[str, str]:
    """The versions that the locks name."""
    lock = json.loads((REQUIREMENTS / "restate" / "package.json").read_text())
    server = {"restate-server": lock["dependencies"]["@restatedev/restate-server"]}
    return server | versions("restate", ["restate-sdk", "hypercorn"])


def start(household: Household) -> None:
    """The endpoint, the server, and the registration of one with the other."""
    endpoint, admin, node = free_port(), *free_ports(2)
    place = household.folder / "endpoint"
    shutil.copytree(PEERS / "restate", place)
    hypercorn = [str(venv("restate") / "hypercorn"), "app:app", "--bind", f"127.0.0.1:{endpoint}", "-k", "uvloop"]
    own = {"ANALYZER_MS": str(household.milliseconds), "PYTHONPATH": str(place)}
    household.run("endpoint", hypercorn, own, answers(endpoint, "/health"))
    household.run("server", [_server()], _settings(household, admin, node), answers(household.port, "/restate/health"))
    _register(admin, endpoint)


def _settings(household: Household, admin: int, node: int) -> dict[str, str]:
    return {
        "RESTATE_BASE_DIR": str(household.folder / "data"),
        "RESTATE_CLUSTER_NAME": "bench",
        "RESTATE_NODE_NAME": "bench-1",
        "RESTATE_BIND_ADDRESS": f"127.0.0.1:{node}",
        "RESTATE_ADVERTISED_ADDRESS": f"http://127.0.0.1:{node}",
        "RESTATE_ADMIN__BIND_ADDRESS": f"127.0.0.1:{admin}",
        "RESTATE_INGRESS__BIND_ADDRESS": f"127.0.0.1:{household.port}",
        "RESTATE_DISABLE_TELEMETRY": "true",
        "RESTATE_LOG_FILTER": "warn",
        "DO_NOT_TRACK": "1",
    }


def _register(admin: int, endpoint: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", admin, timeout=60.0)
    body = json.dumps({"uri": f"http://127.0.0.1:{endpoint}"})
    connection.request("POST", "/deployments", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    if answer.status not in (200, 201):
        raise RuntimeError(f"Restate refuses the endpoint: {said[:500]!r}")


def _server() -> str:
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    package = f"restate-server-{platform.system().lower()}-{machine}"
    found = node_modules("restate") / "@restatedev" / package / "bin" / "restate-server"
    if not found.exists():
        raise NotInstallable(f"npm has no {package}")
    return str(found)
