"""Platforms that misbehave: bytes to a script, and a front that spoils what the example server has done."""

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Script = Callable[[socket.socket], None]


@dataclass
class Request:
    """What a scripted platform was sent."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Scripted:
    """A server that reads a request and then does as the script says."""

    url: str
    seen: list[Request] = field(default_factory=list)


def answer(status: str, body: bytes = b"", *headers: str) -> Script:
    """A plain answer."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""])
    return lambda connection: connection.sendall(head.encode() + body)


def silence(connection: socket.socket) -> None:
    """Say nothing until the other side gives up."""
    connection.recv(1)


def drip(prefix: bytes, drop: bytes) -> Script:
    """Begin, then go on with one drop every tenth of a second until the other side gives up."""

    def run(connection: socket.socket) -> None:
        connection.sendall(prefix)
        connection.settimeout(0.1)
        while True:
            with suppress(TimeoutError):
                if not connection.recv(1):
                    return
            connection.sendall(drop)

    return run


@contextmanager
def scripted(script: Script) -> Iterator[Scripted]:
    """Serve the script to whoever connects."""
    listener = socket.create_server(("127.0.0.1", 0))
    found = Scripted(f"http://127.0.0.1:{listener.getsockname()[1]}")

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            found.seen.append(_read(connection))
            script(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield found
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join()


def _read(connection: socket.socket) -> Request:
    stream = connection.makefile("rb")
    line = stream.readline().decode().strip()
    headers: dict[str, str] = {}
    while (text := stream.readline().decode().strip()) != "":
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    return Request(line, headers, stream.read(int(headers.get("content-length", 0))))


@contextmanager
def front(upstream: str, after_post: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """Hand everything on to the real server; what comes back for a POST is thrown away, and `after_post` answers."""
    host = urlsplit(upstream).netloc

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = self._upstream(b"")
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            status, _ = self._upstream(self.rfile.read(int(self.headers["Content-Length"])))
            assert status == 200
            after_post(self)

        def _upstream(self, body: bytes) -> tuple[int, bytes]:
            connection = http.client.HTTPConnection(host)
            connection.request(self.command, self.path, body or None, dict(self.headers))
            response = connection.getresponse()
            found = response.status, response.read()
            connection.close()
            return found

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
