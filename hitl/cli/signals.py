"""Requests to stop: Ctrl-C, SIGTERM, a terminal that was closed."""

import signal
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

    def __enter__(self) -> Self:
        for number in STOPPING:
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # nohup: somebody wants us to outlive the terminal
            self._before[number] = signal.signal(number, self._heard)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def patient(self) -> None:
        """From now on requests are only counted; whoever counts them stops in good order."""
        self._patient = True

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
