"""One worker process of `hitl up`: Dramatiq's Worker in this process; dies with its parent."""

import os
import signal

from dramatiq import Worker

from workers import parent
from workers.actors import broker, household

GRACE_MS = 15_000


def main() -> None:
    """Work until SIGTERM or SIGINT; then finish or hand back what is in flight."""
    parent.die_with(os.getppid())
    # Waited for, not handled: a handler that sets an Event can meet the waiting thread inside the lock of that Event.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor tells us in order
    broker.emit_after("process_boot")
    worker = Worker(broker, worker_threads=household.settings.worker_threads, worker_timeout=1000)
    worker.start()
    signal.sigwait({signal.SIGTERM})
    worker.stop(GRACE_MS)
    broker.close()


if __name__ == "__main__":
    main()
