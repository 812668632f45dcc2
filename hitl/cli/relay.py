"""`hitl relay`: a relay apart from the workers."""

import os
import sys

from hitl.cli import configuration
from hitl.cli.children import importable
from hitl.errors import Invalid
from hitl.runtime import database_url


def relay() -> None:
    """Run only a relay: it hands commands from the database to RabbitMQ, for workers with HITL_RELAY=off.

    Any number may run. Without one, workers with HITL_RELAY=on (the default) do this themselves.
    """
    settings = configuration.load()
    if settings.broker_url is None:
        raise Invalid("A relay apart needs HITL_BROKER_URL; with the embedded broker each worker relays for itself.")
    database_url(settings)
    own = {**os.environ, "PYTHONPATH": importable(os.environ)}
    os.execve(sys.executable, [sys.executable, "-P", "-m", "workers.relay_process"], own)  # noqa: S606 - no shell
