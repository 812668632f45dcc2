"""One worker process of `hitl up`: Dramatiq's Worker in this process; dies with its parent."""

import ctypes
import os
import signal
import sys
import threading

from dramatiq import Worker

from workers.actors import broker, household

GRACE_MS = 15_000
PR_SET_PDEATHSIG = 1


def main() -> None:
    """Work until SIGTERM or SIGINT; then finish or hand back what is in flight."""
    _die_with(os.getppid())
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor tells us in order
    broker.emit_after("process_boot")
    worker = Worker(broker, worker_threads=household.settings.worker_threads, worker_timeout=100)
    worker.start()
    stop.wait()
    worker.stop(GRACE_MS)
    broker.close()


def _die_with(parent: int) -> None:
    """SIGKILL this process when its supervisor is gone, however that ended (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit("the supervisor is gone already")


if __name__ == "__main__":
    main()
