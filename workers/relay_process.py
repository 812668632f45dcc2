"""A relay in a process of its own, which runs no commands: `hitl relay`."""

import os
import signal
import socket
import time

from hitl import runtime
from hitl.errors import GuardianError
from hitl.settings import Settings
from hitl.store import workers
from hitl.store.postgres import Store
from hitl.telemetry import logs
from workers.broker import QuorumBroker, build
from workers.household import BEAT_SECONDS
from workers.loops import Loop
from workers.queue_rescue import QueueRescue
from workers.relay import Relay

log = logs.get(__name__)


def main() -> None:
    """Relay until SIGTERM or Ctrl-C; what it handed out is in the broker, and stays there."""
    settings = Settings()
    logs.configure(settings.log_format)
    relay_id = f"{socket.gethostname()}:{os.getpid()}"
    stops: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda heard, _: stops.append(heard))
    found = runtime.build(settings, connections=4)
    store = found.store
    broker = build(settings.broker_url, [])
    loops = [
        Loop("heartbeat", BEAT_SECONDS, lambda: _beat(store, relay_id)),
        Relay(store, broker, relay_id, settings.window, quick=found.quick),
    ]
    if settings.broker_url and isinstance(broker, QuorumBroker):
        loops.append(QueueRescue(settings.broker_url, broker))
    for loop in loops:
        loop.start()
    log.info("relaying", relay=relay_id)
    while not stops:
        time.sleep(0.1)
    for loop in reversed(loops):
        loop.stop()
    _leave(store, relay_id)
    store.close()
    broker.close()


def _beat(store: Store, relay_id: str) -> None:
    with store.transaction() as tx:
        workers.beat(tx, relay_id, serves=[], relay=True)


def _leave(store: Store, relay_id: str) -> None:
    try:
        with store.transaction() as tx:
            workers.leave(tx, relay_id)
    except GuardianError as trouble:
        log.warning("could not say goodbye; silence will do", error=trouble.detail)


if __name__ == "__main__":
    main()
