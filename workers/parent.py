"""A worker process ends with the process that started it, however that one ended; nobody would tend it any more."""

import ctypes
import os
import signal
import sys

from workers.loops import Loop

PR_SET_PDEATHSIG = 1
ROUND_SECONDS = 0.5


def die_with(parent: int) -> None:
    """SIGKILL this process when its supervisor is gone (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit("the supervisor is gone already")


class MasterWatch(Loop):
    """Stops this process in good order when Dramatiq's master is gone: it would be a ghost with old code.

    Not the kernel's death signal: that comes once for each of the master's threads, and Dramatiq aborts at the second.
    """

    def __init__(self, master: int) -> None:
        super().__init__("master-watch", ROUND_SECONDS, self._look)
        self._master = master

    def _look(self) -> None:
        if os.getppid() != self._master and not self.stopping:
            self.stop()
            os.kill(os.getpid(), signal.SIGTERM)
