"""Running Python processes, looked at a hundred times a second from outside (py-spy): whose code the interpreter runs.

Only threads that hold the interpreter's lock count: the others wait, or are in the kernel.
"""

import re
import signal
import subprocess
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from bench.places import ROOT
from bench.systems import installing

RATE = 100
END_SECONDS = 60.0
LOOP = "threads, queues, event loop"
ELSEWHERE = "Python itself"
AREAS = {
    "LangGraph, LangChain": ("langgraph", "langchain_core", "langsmith"),
    "psycopg": ("psycopg", "psycopg_binary", "psycopg_pool"),
    "FastAPI, Starlette, pydantic": ("fastapi", "starlette", "pydantic", "pydantic_core", "anyio"),
    "uvicorn": ("uvicorn", "httptools", "uvloop"),
    "Dramatiq": ("dramatiq", "pika"),
    LOOP: ("asyncio", "concurrent", "queue.py", "selectors.py", "threading.py"),
}
LIBRARY = re.compile(r"/lib/python3\.\d+/")
OWN = ("api", "hitl", "workers")
_AREA_OF = {top: area for area, tops in AREAS.items() for top in tops}


class Sampled:
    """Samples each of these processes while it is entered; afterwards `shares` has what was seen."""

    def __init__(self, pids: Mapping[str, int], folder: Path) -> None:
        self._files = {name: folder / f"{pid}.raw" for name, pid in pids.items()}
        self._pids = pids
        self._spies = ExitStack()
        self._running: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        spy = str(installing.venv("profile") / "py-spy")
        for name, file in self._files.items():
            what = ["--pid", str(self._pids[name]), "--gil", "--rate", str(RATE), "--full-filenames"]
            what += ["--format", "raw", "--output", str(file)]
            command = [spy, "record", "--duration", "unlimited", *what]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            self._running.append(self._spies.enter_context(process))
        return self

    def __exit__(self, *_: object) -> None:
        with self._spies:
            for process in self._running:
                process.send_signal(signal.SIGINT)  # then it writes down what it has seen
            for process in self._running:
                process.wait(END_SECONDS)

    def shares(self) -> dict[str, dict[str, float]]:
        """By process, which part of its samples each area has; the largest first. RuntimeError: none could be had."""
        missing = [name for name, file in self._files.items() if not file.exists()]
        if missing:
            raise RuntimeError(f"{', '.join(missing)} cannot be looked into; root may, and who has CAP_SYS_PTRACE")
        return {name: shares(file.read_text()) for name, file in self._files.items()}


def shares(raw: str) -> dict[str, float]:
    """Of py-spy's lines (`frame;frame;frame count`, the innermost last), the share of each area."""
    seen: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        seen[area(stack.split(";"))] += int(count)
    total = seen.total()
    return {name: count / total for name, count in seen.most_common()}


def area(frames: list[str]) -> str:
    """Whose code the innermost frame is; the standard library's work is done for whoever called it."""
    for frame in reversed(frames):
        top, _, rest = _within(frame.rpartition("(")[2].rpartition(":")[0]).partition("/")
        if top in OWN:
            return f"{top}/{rest.partition('/')[0]}" if "/" in rest else top
        if top in _AREA_OF:
            return _AREA_OF[top]
    return ELSEWHERE


def _within(path: str) -> str:
    """A file's path within what it was installed from, or within a checkout."""
    _, installed, package = path.rpartition("/site-packages/")
    if installed:
        return package
    library = LIBRARY.split(path)
    return library[-1] if len(library) > 1 else path.removeprefix(f"{ROOT}/")
