"""Forks programs from a process that has imported everything big already: importing LangGraph costs a second each time.

Only other people's packages are imported beforehand, none of what is tested: a child reads its settings and its
failpoint as any program does, by `runpy`, in a session of its own. Orders come in as JSON lines, births and deaths go
out as such.
"""

import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import signal
import sys
from typing import Any

from tests.chaos import clocks

BIG = (
    "dramatiq.cli",
    "fastapi",
    "httpx",
    "langchain_core.runnables",
    "langgraph.checkpoint.postgres",
    "langgraph.graph.state",
    "langsmith",
    "pika",
    "psycopg_pool",
    "pydantic_settings",
    "standardwebhooks",
    "structlog",
    "uvicorn",
)
PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve until stdin ends; in a child, become what was ordered."""
    clocks.mend_sleep()
    os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"  # as hitl sets it before LangGraph is imported
    for name in BIG:
        importlib.import_module(name)
    gc.freeze()
    own = os.getpid()
    order = _serve()
    if order is not None:
        _become(order, own)


def _serve() -> dict[str, Any] | None:
    woken, wakes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    _say({"ready": True})
    orders = b""
    while True:
        heard, _, _ = select.select([0, woken], [], [])
        if woken in heard:
            os.read(woken, 4096)
            _reap()
        if 0 in heard:
            read = os.read(0, 65536)
            if not read:
                return None
            *lines, orders = (orders + read).split(b"\n")
            for line in lines:
                order: dict[str, Any] = json.loads(line)
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    os.close(woken)
                    os.close(wakes)
                    return order
                _say({"born": order["id"], "pid": pid})


def _reap() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _say({"dead": pid, "code": os.waitstatus_to_exitcode(status)})


def _say(word: dict[str, Any]) -> None:
    os.write(1, json.dumps(word).encode() + b"\n")


def _become(order: dict[str, Any], parent: int) -> None:
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the nursery is gone")
    out = os.open(order["out"], os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, theirs in ((nothing, 0), (out, 1), (out, 2)):
        os.dup2(ours, theirs)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    module, *arguments = order["arguments"]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
