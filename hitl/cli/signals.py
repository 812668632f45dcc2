"""Requests to stop: Ctrl-C, SIGTERM, a terminal that was closed. And a pause that ends with any signal."""

import contextlib
import select
import signal
import socket
from types import FrameType, TracebackType
from typing import Any, Self

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """Counts the requests. Until `patient` is called the first one raises KeyboardInterrupt, wherever we are.

    A plain count and no Event: a handler that sets the Event its own thread is waiting for may wait for itself.
    """

    def __init__(self) -> None:
        self.requests = 0
        self._patient = False
        self._before: dict[signal.Signals, Any] = {}
        self._woken, self._wake = socket.socketpair()
        self._woken.setblocking(False)
        self._wake.setblocking(False)

    def __enter__(self) -> Self:
        for number in STOPPING:
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # nohup: somebody wants us to outlive the terminal
            self._before[number] = signal.signal(number, self._heard)
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, _noticed)  # ignored, it would end no pause
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._woken.close()
        self._wake.close()

    def patient(self) -> None:
        """From now on requests are only counted; whoever counts them stops in good order."""
        self._patient = True

    def pause(self, seconds: float) -> None:
        """Wait so long at most; a signal ends it, and so does the end of a child, also one just before the call."""
        select.select([self._woken], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(4096)

    @property
    def asked(self) -> bool:
        """Whether to stop."""
        return self.requests > 0

    @property
    def hurry(self) -> bool:
        """Whether to stop at once: somebody asked twice."""
        return self.requests > 1

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        self.requests += 1
        if not self._patient:
            self._patient = True  # what is cleaned up now is not interrupted again
            raise KeyboardInterrupt


def _noticed(_number: int, _frame: FrameType | None) -> None:
    """A child has ended: whoever pauses looks at all of them."""
