"""Whether the desk that was started would take posts on, and who would work them off."""

import http.client
import json
import socket
from typing import Any

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - looked up, not listened on
WORKLESS = {"worker", "relay"}


def address(host: str) -> str:
    """Where we ourselves reach a desk that listens on `host`."""
    return EVERYWHERE.get(host, host)


def url(host: str, port: int) -> str:
    """Its address for a browser."""
    named = address(host)
    return f"http://{f'[{named}]' if ':' in named else named}:{port}"


def missing(host: str, port: int) -> list[str]:
    """What /readyz says is missing; nothing means ready."""
    try:
        connection = http.client.HTTPConnection(address(host), port, timeout=5.0)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, socket.gaierror):
        return ["the desk"]
    return [] if answer.status == 200 else _named(body)


def _named(body: bytes) -> list[str]:
    try:
        said: Any = json.loads(body)
        return [str(name) for name in said["missing"]] or ["something"]
    except (ValueError, KeyError, TypeError):
        return ["an answer that makes sense"]
