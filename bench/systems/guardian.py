"""Guardian, embedded as `hitl up` runs it, and over RabbitMQ as on several machines."""

import subprocess
import sys

from bench.clients.guardian import GuardianClient
from bench.systems.household import Household
from bench.systems.programs import answers, environment
from hitl.settings import Settings
from hitl.store.embedded import running_url

__all__ = ["GuardianClient"]

THREADS = int(Settings.model_fields["worker_threads"].default)
EMBEDDED = (
    "`hitl up` with nothing set but the stub analyzer, the log off and a data directory: one desk, one worker process, "
    "its own Postgres. Development tokens on loopback."
)
RABBITMQ = (
    "`uvicorn api.main:app` (one process, no access log) and `dramatiq workers` (one process with "
    f"{THREADS} threads, as many as `hitl up` has) over a private RabbitMQ with quorum queues and a Postgres like the "
    "embedded one."
)


def install() -> None:
    """There already: the benchmark runs in Guardian's own venv."""


def start_embedded(household: Household) -> None:
    """`hitl up`."""
    data = household.folder / "data"
    data.mkdir(mode=0o711)  # else a Postgres that root starts would live on another disk than the peers' do
    own = {**_settings(household), "HITL_PORT": str(household.port), "HITL_DATA_DIR": str(data)}
    own |= {"HITL_WORKERS": str(household.setup.workers)}
    if household.setup.database:
        own["HITL_DATABASE_URL"] = household.setup.database
    up = [sys.executable, "-P", "-m", "hitl.cli", "up"]
    household.run("hitl-up", up, own, answers(household.port, "/readyz"))
    household.database = household.setup.database or running_url(data)


def start_rabbitmq(household: Household) -> None:
    """The migration, the workers, the desk."""
    own = {**_settings(household), "HITL_DATABASE_URL": household.postgres(), "HITL_BROKER_URL": household.rabbitmq()}
    migrate = [sys.executable, "-P", "-m", "hitl.cli", "migrate"]
    subprocess.run(migrate, env=environment(own), cwd=household.folder, check=True, capture_output=True)
    size = ["-p", str(household.setup.workers), "-t", str(THREADS)]
    household.run("workers", [sys.executable, "-P", "-m", "dramatiq", "workers", *size], own, lambda: True)
    for number, port in enumerate(household.ports, 1):
        desk = ["uvicorn", "api.main:app", "--host", "127.0.0.1", "--port", str(port), "--no-access-log"]
        desk += ["--http", "api.joined:Protocol"]
        household.run(f"desk-{number}", [sys.executable, "-P", "-m", *desk], own, answers(port, "/readyz"))


def _settings(household: Household) -> dict[str, str]:
    analyzer = f"stub:{household.milliseconds}"
    return {"PYTHONPATH": str(household.setup.guardian), "HITL_ANALYZER": analyzer, "HITL_LOG_FORMAT": "none"}
