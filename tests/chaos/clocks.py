"""Clocks that go wrong: a process that was started with these settings lives ten minutes ahead, or behind."""

from pathlib import Path

MISSING = "libfaketime is not installed. As root: apt-get install -y --no-install-recommends libfaketime"
AHEAD, BEHIND = "+600s", "-600s"


def wrong(offset: str) -> dict[str, str]:
    """What sets the wall clock wrong from a process's first moment on; how long a second is stays as it was."""
    places = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not places:
        raise RuntimeError(MISSING)
    return {"LD_PRELOAD": str(places[0]), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
