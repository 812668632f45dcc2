"""A worker process ends with the process that started it, however that one ended; nobody would tend it any more."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def follow(parent: int, sign: signal.Signals) -> None:
    """Get this signal when the parent is gone (Linux; elsewhere an orphan works on, fenced like any other worker)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, sign)
        if os.getppid() != parent:
            os.kill(os.getpid(), sign)
