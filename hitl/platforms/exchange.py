"""One bounded HTTP exchange: a deadline over all of it, a small answer, no redirects, no decompression, no proxies."""

import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpcore
import httpx

from hitl import room
from hitl.errors import Invalid
from hitl.platforms.deadline import Deadline, DeadlineBackend
from hitl.platforms.port import EffectUnknown

MAX_BODY = 64 * 1024
MAX_SAID = 300
FAILED = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    httpcore.ConnectionNotAvailable,
    OSError,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, and the body if all of it came in time and was small enough."""

    status: int
    body: bytes | None


class Exchange:
    """Requests to one base URL over a pool of connections; thread-safe. Raises EffectUnknown and nothing else."""

    def __init__(self, url: str, timeout: float) -> None:
        self._origin, self._base = _split(url)
        self._timeout = timeout
        self._deadline = Deadline()
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=20,
            keepalive_expiry=3.0,  # shorter than any server's, so that no effect is sent into a closing connection
            retries=1,  # of a connection that could not be made; a request that was sent is never repeated here
            network_backend=DeadlineBackend(self._deadline),
        )

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        """One request, once; `path` starts with a slash and is already percent-encoded."""
        until = time.monotonic() + self._timeout
        url = httpcore.URL(
            scheme=self._origin.scheme, host=self._origin.host, port=self._origin.port, target=self._target(path)
        )
        with room.away(), self._deadline.set(until):
            try:
                with self._pool.stream(
                    method,
                    url,
                    headers=self._headers(headers, body),
                    content=body,
                    extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), self._timeout)},
                ) as response:
                    return Answer(response.status, _body(response))
            except FAILED as error:
                raise EffectUnknown(
                    f"The platform gave no answer ({type(error).__name__}: {error})"[:MAX_SAID]
                ) from error

    def path(self, path: str) -> str:
        """The whole path that a request for `path` is sent to, as it stands on the wire."""
        return self._target(path).decode()

    def close(self) -> None:
        """Let go of every connection."""
        self._pool.close()

    def _target(self, path: str) -> bytes:
        return self._base + path.encode("ascii")

    def _headers(self, headers: dict[str, str], body: bytes) -> list[tuple[bytes, bytes]]:
        fixed = {
            "Host": self._origin.authority,
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "guardian-hitl",
        }
        sized = {"Content-Length": str(len(body)), "Content-Type": "application/json"} if body else {}
        return [(name.encode(), value.encode()) for name, value in {**fixed, **sized, **headers}.items()]


@dataclass(frozen=True, slots=True)
class _Origin:
    scheme: bytes
    host: bytes
    port: int
    authority: str


def _split(url: str) -> tuple[_Origin, bytes]:
    try:
        parts = urlsplit(url)
        found = httpx.URL(url)
        port = parts.port
    except (ValueError, httpx.InvalidURL) as error:
        raise Invalid(f"The platform's URL cannot be read: {error}.") from None
    if (
        parts.scheme not in ("http", "https")
        or not found.raw_host
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
    ):
        raise Invalid("The platform's URL is http:// or https:// with a host, and no user, query or fragment.")
    authority = found.netloc.decode("ascii")
    port = port or (443 if parts.scheme == "https" else 80)
    return _Origin(parts.scheme.encode(), found.raw_host, port, authority), found.raw_path.rstrip(b"/")


def _body(response: httpcore.Response) -> bytes | None:
    read = b""
    try:
        for chunk in response.iter_stream():
            read += chunk
            if len(read) > MAX_BODY:
                return None
    except FAILED:
        return None
    return read
