"""Running Python processes, looked at a hundred times a second from outside (py-spy): whose code the interpreter runs.

Only the thread that holds the interpreter's lock counts: what runs without it (waiting, system calls, libpq) is not
seen.
"""

import re
import signal
import subprocess
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from bench.places import ROOT
from bench.systems import installing

RATE = 100
END_SECONDS = 60.0
OTHERS, ELSEWHERE, LOOP = "other libraries", "Python itself", "threads, queues, event loop"
AREAS = {
    "LangGraph, LangChain": ("langgraph", "langchain_core", "langsmith"),
    "psycopg": ("psycopg", "psycopg_binary", "psycopg_pool"),
    "FastAPI, Starlette, pydantic": ("fastapi", "starlette", "pydantic", "pydantic_core", "anyio"),
    "uvicorn": ("uvicorn", "httptools", "uvloop"),
    "Dramatiq": ("dramatiq",),
}
LOOPS = {"asyncio", "concurrent", "queue.py", "selectors.py", "threading.py"}
OWN = {"api", "hitl", "workers"}
LIBRARY = re.compile(r"/lib(?:64)?/python3\.\d+/")
_AREA_OF = {package: area for area, packages in AREAS.items() for package in packages}
Json = dict[str, Any]


class Sampled:
    """Samples each of these processes while it is entered; afterwards `found` tells what was seen."""

    def __init__(self, pids: Mapping[str, int], folder: Path) -> None:
        self._pids = pids
        self._files = {name: folder / f"{pid}.raw" for name, pid in pids.items()}
        self._running = ExitStack()

    def __enter__(self) -> Self:
        spy = installing.venv("profile") / "py-spy"
        with ExitStack() as begun:
            for name, file in self._files.items():
                said = begun.enter_context(file.with_suffix(".said").open("wb"))
                begun.callback(_end, subprocess.Popen(_command(spy, self._pids[name], file), stdout=said, stderr=said))
            self._running = begun.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def found(self) -> Json:
        """`shares`: by process, the share of each area in what was seen; or `unseen`: whom one could not look into."""
        for name, file in self._files.items():
            if not file.exists() or not file.stat().st_size:
                said = file.with_suffix(".said").read_text().strip() or "nothing was seen"
                return {"unseen": f"{name}: {said.splitlines()[0][:200]}"}
        return {"shares": {name: shares(file.read_text()) for name, file in self._files.items()}}


def _command(spy: Path, pid: int, file: Path) -> list[str]:
    what = ["--pid", str(pid), "--rate", str(RATE), "--gil", "--full-filenames", "--duration", "unlimited"]
    return [str(spy), "record", *what, "--format", "raw", "--output", str(file)]


def _end(spy: subprocess.Popen[bytes]) -> None:
    """Interrupted, it writes down what it has seen."""
    spy.send_signal(signal.SIGINT)
    try:
        spy.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        spy.kill()
        spy.wait()


def shares(raw: str) -> dict[str, float]:
    """Of py-spy's lines (`frame;frame;frame count`, the innermost last), the share of each area."""
    seen: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        seen[area(stack.split(";"))] += int(count)
    total = seen.total()
    return {name: count / total for name, count in seen.most_common()}


def area(frames: list[str]) -> str:
    """Whose file the innermost frame is in, of those that are somebody's."""
    owners = (_owner(frame.rpartition("(")[2].rpartition(":")[0]) for frame in reversed(frames))
    return next(filter(None, owners), ELSEWHERE)


def _owner(path: str) -> str | None:
    """Whose file this is; None where the standard library works for its caller."""
    _, installed, package = path.rpartition("/site-packages/")
    if installed:
        return _AREA_OF.get(package.partition("/")[0], OTHERS)
    *outside, library = LIBRARY.split(path)
    if outside:
        return LOOP if library.partition("/")[0] in LOOPS else None
    top, _, rest = path.removeprefix(f"{ROOT}/").partition("/")
    if top not in OWN:
        return None
    return f"{top}/{rest.partition('/')[0]}" if "/" in rest else top
