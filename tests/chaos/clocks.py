"""Clocks that go wrong: a process that was started with these settings lives ten minutes ahead, or behind."""

import os
import select
import time
from pathlib import Path
from typing import SupportsIndex

MISSING = "libfaketime is not installed. As root: apt-get install -y --no-install-recommends libfaketime"
AHEAD, BEHIND = "+600s", "-600s"


def wrong(offset: str) -> dict[str, str]:
    """What sets the wall clock wrong from a process's first moment on; how long a second is stays as it was."""
    places = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not places:
        raise RuntimeError(MISSING)
    return {"LD_PRELOAD": str(places[0]), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def mend_sleep() -> None:
    """Sleep by `select` where the clock is wrong: there, libfaketime answers each of Python's sleeps with EINVAL.

    It has to be called before anything is imported that might keep `time.sleep` by its name.
    """
    if "FAKETIME" in os.environ:
        time.sleep = _sleep


def _sleep(seconds: float | SupportsIndex, /) -> None:
    seconds = float(seconds)
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    select.select([], [], [], seconds)
