"""Named places where a fault can be made to happen, for tests that pull the plug. Off unless the environment says so.

`HITL_FAILPOINT=NAME=FAULT[@N]` fires at the N-th time (first by default) that a process passes NAME; FAULT is `kill`
(SIGKILL to the process), `raise` or `stall` (5 s). `HITL_FAILPOINT_ONCE=FILE` makes it happen once in all processes:
whoever creates the file fires.
"""

import os
import signal
import threading
import time

NAMES = (
    "before_commit:start",
    "after_commit:start",
    "before_commit:publish",
    "after_commit:publish",
    "after_publish",
    "before_commit:claim",
    "after_commit:claim",
    "before_commit:verdict",
    "after_commit:verdict",
    "before_invoke",
    "after_invoke",
    "before_commit:checkpoint",
    "after_commit:checkpoint",
    "before_commit:settle",
    "after_commit:settle",
    "before_commit:decide",
    "after_commit:decide",
    "before_commit:send",
    "after_commit:send",
    "before_call",
    "after_call",
    "before_commit:record",
    "after_commit:record",
    "before_commit:rollback",
    "after_commit:rollback",
    "before_commit:send_reversal",
    "after_commit:send_reversal",
    "before_reversal_call",
    "after_reversal_call",
    "before_commit:record_reversal",
    "after_commit:record_reversal",
    "before_commit:refused",
    "after_commit:refused",
    "before_commit:unknown",
    "after_commit:unknown",
    "before_commit:refused_reversal",
    "after_commit:refused_reversal",
    "before_commit:unknown_reversal",
    "after_commit:unknown_reversal",
    "before_commit:conflict_reversal",
    "after_commit:conflict_reversal",
    "before_commit:fail",
    "after_commit:fail",
    "before_commit:settle_action",
    "after_commit:settle_action",
    "before_commit:settled_actions",
    "after_commit:settled_actions",
    "before_commit:adopt",
    "after_commit:adopt",
    "before_commit:give_up",
    "after_commit:give_up",
    "before_commit:park",
    "after_commit:park",
    "before_commit:unpark",
    "after_commit:unpark",
    "before_commit:move",
    "after_commit:move",
    "before_commit:reconsider",
    "after_commit:reconsider",
    "before_commit:forget",
    "after_commit:forget",
    "before_commit:clear",
    "after_commit:clear",
)
STALL_SECONDS = 5.0


class FailpointFired(Exception):
    """A fault that a test has asked for."""


class _Armed:
    def __init__(self, text: str, once: str | None) -> None:
        self.name, _, fault = text.partition("=")
        self.fault, _, nth = fault.partition("@")
        if self.name not in NAMES or self.fault not in ("kill", "raise", "stall"):
            raise ValueError(f"HITL_FAILPOINT={text!r} names no failpoint; see hitl/failpoints.py")
        self.left = int(nth or 1)
        self.once = once
        self.lock = threading.Lock()

    def due(self, name: str) -> bool:
        """Whether it is this process's turn, now and once."""
        if name != self.name:
            return False
        with self.lock:
            self.left -= 1
            return self.left == 0 and self._first()

    def _first(self) -> bool:
        if self.once is None:
            return True
        try:
            os.close(os.open(self.once, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return False
        return True


_text = os.environ.get("HITL_FAILPOINT")
_armed = _Armed(_text, os.environ.get("HITL_FAILPOINT_ONCE")) if _text else None


def armed() -> bool:
    """Whether a test has armed one."""
    return _armed is not None


def awaited(name: str) -> bool:
    """Whether a test has armed this one: then no way is taken that does not pass it."""
    return _armed is not None and _armed.name == name


def hit(name: str) -> None:
    """Pass a failpoint; nothing happens unless a test has armed this one."""
    if _armed is not None and _armed.due(name):
        _fire(_armed.fault, name)


def _fire(fault: str, name: str) -> None:
    if fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault == "stall":
        time.sleep(STALL_SECONDS)
    else:
        raise FailpointFired(name)
