"""A local HTTP server whose answers a test decides, one request after the other."""

import gzip
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import zstandard


@dataclass(frozen=True)
class Request:
    """What arrived, decompressed."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[Request, BaseHTTPRequestHandler], None]


class FakeServer:
    """Listens on a free port of loopback while the `with` block lasts."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The host's root."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, request: Request, to: BaseHTTPRequestHandler) -> None:
        """Answer a request; each fake has its own way."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65536  # headers and body in one packet, or each answer takes 40 ms longer

            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                self._take()

            def do_POST(self) -> None:
                self._take()

            def do_PATCH(self) -> None:
                self._take()

            def _take(self) -> None:
                request = Request(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, _body(self))
                fake.requests.append(request)
                try:
                    fake.answer(request, self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

        return Handler


def send(to: BaseHTTPRequestHandler, code: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    """A whole answer."""
    to.send_response(code)
    sent = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
    for name, value in sent.items():
        to.send_header(name, value)
    to.end_headers()
    to.wfile.write(body)
    to.wfile.flush()


def _body(handler: BaseHTTPRequestHandler) -> bytes:
    if handler.headers.get("Transfer-Encoding", "").lower() == "chunked":
        raw = b"".join(iter(lambda: _chunk(handler), b""))
    else:
        raw = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    encoding = handler.headers.get("Content-Encoding", "")
    if encoding == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(raw)
    return gzip.decompress(raw) if encoding == "gzip" else raw


def _chunk(handler: BaseHTTPRequestHandler) -> bytes:
    data = handler.rfile.read(int(handler.rfile.readline().strip() or b"0", 16))
    handler.rfile.readline()
    return data
