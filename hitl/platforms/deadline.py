"""A deadline under httpcore: its own timeouts bound each read, so a byte every few seconds would last for ever."""

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore

CHUNK = 16 * 1024


class Deadline:
    """Until when the calling thread's exchange may last."""

    def __init__(self) -> None:
        self._local = threading.local()

    @contextmanager
    def set(self, until: float) -> Iterator[None]:
        """Everything in this block ends at `until` (of time.monotonic)."""
        self._local.until = until
        try:
            yield
        finally:
            del self._local.until

    def left(self, timeout: float | None, over: type[Exception]) -> float | None:
        """The seconds that one step may take; raises `over` when there are none."""
        until = getattr(self._local, "until", None)
        if until is None:
            return timeout
        left = float(until - time.monotonic())
        if left <= 0:
            raise over("the time for the whole exchange is over")
        return left if timeout is None else min(left, timeout)


class DeadlineBackend(httpcore.NetworkBackend):
    """TCP connections of which every step, the look-up of the name too, is held to the deadline."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers."""
        failed: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in _addresses(host, port, self._deadline.left(timeout, httpcore.ConnectTimeout)):
            left = self._deadline.left(timeout, httpcore.ConnectTimeout)
            try:
                stream = self._plain.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return _DeadlineStream(stream, self._deadline)
        raise failed

    def sleep(self, seconds: float) -> None:
        """Wait between two tries to connect."""
        time.sleep(self._deadline.left(seconds, httpcore.ConnectTimeout) or 0)


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), CHUNK):
            self._stream.write(buffer[start : start + CHUNK], self._deadline.left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _addresses(host: str, port: int, timeout: float | None) -> list[str]:
    """Resolve in a thread that can be left behind: the system's resolver knows no deadline."""
    found: list[str] = []
    failed: list[OSError] = []

    def resolve() -> None:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(str(info[4][0]) for info in infos))
        except (OSError, UnicodeError) as error:
            failed.append(OSError(str(error)))

    thread = threading.Thread(target=resolve, name="resolve", daemon=True)
    thread.start()
    thread.join(timeout)
    if failed:
        raise httpcore.ConnectError(str(failed[0]))
    if not found and thread.is_alive():
        raise httpcore.ConnectTimeout(f"the address of {host} could not be looked up in time")
    return list(found)
