"""When the server is told to stop, streams and held requests end first; it would wait for them for ever.

Told by SIGTERM, it first goes on for a while and says on /readyz that it is leaving, so that a load balancer sends
nobody any more: whoever comes through the door while it closes gets no answer at all.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def waved(close: Callable[[], None], leaving: threading.Event, drain_seconds: float) -> Iterator[None]:
    """While open, a signal to stop calls `close` and then does what it did before; the first SIGTERM waits for that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before, loop = {number: signal.getsignal(number) for number in SIGNALS}, asyncio.get_running_loop()

    def end(number: int, frame: FrameType | None) -> None:
        close()
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    def heard(number: int, frame: FrameType | None) -> None:
        late = leaving.is_set()
        leaving.set()
        if number == signal.SIGTERM and drain_seconds and not late:
            loop.call_soon_threadsafe(loop.call_later, drain_seconds, end, number, None)
        else:
            end(number, frame)

    for number, handler in before.items():
        if callable(handler):
            signal.signal(number, heard)
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is heard:
                signal.signal(number, handler)
