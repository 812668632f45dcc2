"""The machine that a run was made on, as a reader must know it."""

import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil

from bench.meters import sync_seconds
from bench.places import RUNS


def portrait(guardian: Path) -> dict[str, Any]:
    """Cores, memory, kernel, what a synced write takes, versions, load."""
    return {
        "at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "fdatasync_us": round(sync_seconds(RUNS) * 1e6),
        "load": os.getloadavg()[0],
        "commit": _git(guardian, "rev-parse", "--short", "HEAD"),
        "changed": bool(_git(guardian, "status", "--porcelain", "--", "hitl", "api", "workers")),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    return named or platform.processor() or platform.machine()


def _git(place: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(place), *arguments], capture_output=True, text=True, check=False)  # noqa: S607
    except OSError:
        return ""
    return done.stdout.strip()
