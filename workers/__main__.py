"""One worker process of `hitl up`: Dramatiq's Worker in this process; dies with its parent."""

import os
import signal
import threading

from dramatiq import Worker

from workers import parent
from workers.actors import broker, household

GRACE_MS = 15_000


def main() -> None:
    """Work until SIGTERM or SIGINT; then finish or hand back what is in flight."""
    parent.die_with(os.getppid())
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor tells us in order
    broker.emit_after("process_boot")
    worker = Worker(broker, worker_threads=household.settings.worker_threads, worker_timeout=1000)
    worker.start()
    stop.wait()
    worker.stop(GRACE_MS)
    broker.close()


if __name__ == "__main__":
    main()
