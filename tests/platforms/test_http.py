"""A customer's API that answers badly: every answer ends as applied, refused or unknown, in bounded time and space."""

import socket
from http.server import BaseHTTPRequestHandler

import pytest

from hitl.clock import new_id
from hitl.platforms.http import HttpPlatform
from hitl.platforms.port import EffectRefused, EffectUnknown
from tests.platforms.effects import forward
from tests.platforms.example import SECRET
from tests.platforms.faults import Script, answer, drip, front, scripted, silence
from tests.services.ports import free_port

OK = b'{"reference":"r1","after":{"removed":true}}'
HEAD = b"HTTP/1.1 200 OK\r\n"

UNKNOWN: dict[str, Script] = {
    "silence": silence,
    "hangs up": lambda connection: None,
    "not HTTP": lambda connection: connection.sendall(b"220 mail ready\r\n\r\n"),
    "half an answer": lambda connection: connection.sendall(HEAD + b"Content-Length: 500\r\n\r\n{"),
    "drips its headers": drip(HEAD + b"X-Slow: ", b"x"),
    "drips its body": drip(HEAD + b"Content-Length: 5000\r\n\r\n", b" "),
    "drips chunks": drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "only promises": drip(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "endless headers": drip(HEAD + b"X: " + b"x" * 200_000, b"x"),
    "a huge body": answer("200 OK", b'{"reference":"r1","after":"' + b"x" * 100_000 + b'"}'),
    "redirect": answer("302 Found", OK, "Location: http://127.0.0.1:1/"),
    "permanent redirect": answer("308 Permanent Redirect", OK, "Location: /elsewhere"),
    "500": answer("500 Oh", OK),
    "503": answer("503 Busy", OK, "Retry-After: 5"),
    "408": answer("408 Request Timeout"),
    "425": answer("425 Too Early"),
    "429": answer("429 Too Many Requests"),
    "204": answer("204 No Content"),
    "not JSON": answer("200 OK", b"<html>Welcome</html>"),
    "compressed": answer("200 OK", b"\x1f\x8b\x08\x00", "Content-Encoding: gzip"),
    "not an object": answer("200 OK", b"[]"),
    "no reference": answer("200 OK", b'{"after":null}'),
    "an empty reference": answer("200 OK", b'{"reference":"","after":null}'),
    "an endless reference": answer("200 OK", b'{"reference":"' + b"r" * 201 + b'","after":null}'),
    "a number for a reference": answer("200 OK", b'{"reference":7,"after":null}'),
    "no after": answer("200 OK", b'{"reference":"r1"}'),
    "a NUL": answer("200 OK", b'{"reference":"r1","after":"\\u0000"}'),
    "a lone surrogate": answer("200 OK", b'{"reference":"r1","after":"\\ud800"}'),
    "not UTF-8": answer("200 OK", b'{"reference":"r1","after":"\xff"}'),
    "not a number": answer("200 OK", b'{"reference":"r1","after":NaN}'),
    "deep JSON": answer("200 OK", b'{"reference":"r1","after":' + b"[" * 30_000 + b"]" * 30_000 + b"}"),
    "less deep JSON": answer("200 OK", b'{"reference":"r1","after":' + b"[" * 900 + b"]" * 900 + b"}"),
}


@pytest.mark.parametrize("script", UNKNOWN.values(), ids=UNKNOWN)
def test_no_clear_answer_is_unknown(script: Script) -> None:
    with scripted(script) as server:
        platform = HttpPlatform(server.url, secret=None, timeout=1.0)
        with pytest.raises(EffectUnknown):
            platform.apply(forward(), key="k1")
        assert len(server.seen) == 1
        platform.close()


@pytest.mark.parametrize("script", UNKNOWN.values(), ids=UNKNOWN)
def test_no_clear_answer_tells_nothing_to_readers(script: Script) -> None:
    with scripted(script) as server:
        platform = HttpPlatform(server.url, secret=None, timeout=0.3)
        for ask in (platform.manifest, lambda: platform.find("k1")):
            with pytest.raises(EffectUnknown):
                ask()
        platform.close()


@pytest.mark.parametrize("status", ["400 Bad", "401 No", "403 No", "404 Gone", "409 Conflict", "413 Big", "422 No"])
def test_a_client_error_is_a_definite_no(status: str) -> None:
    with scripted(answer(status, b'{"detail":"The post is\\nlocked."}')) as server:
        platform = HttpPlatform(server.url, secret=None)
        with pytest.raises(EffectRefused, match=f"^The platform answered {status[:3]}: The post is locked.$"):
            platform.apply(forward(), key="k1")
        platform.close()


@pytest.mark.parametrize(
    "body", [b"\x00\x1b[2J" + b"x" * 9000, b"x" * 100_000, b'{"detail":["no"]}', b"[" * 60_000, b"\xff"]
)
def test_what_a_refusal_says_is_bounded(body: bytes) -> None:
    with scripted(answer("422 No", body)) as server:
        platform = HttpPlatform(server.url, secret=None)
        with pytest.raises(EffectRefused) as refused:
            platform.apply(forward(), key="k1")
        assert len(str(refused.value)) <= 300
        assert str(refused.value).isprintable()
        platform.close()


def test_a_refusal_that_never_ends_is_still_a_no() -> None:
    with scripted(drip(b"HTTP/1.1 422 No\r\nContent-Length: 5000\r\n\r\n", b" ")) as server:
        platform = HttpPlatform(server.url, secret=None, timeout=0.3)
        with pytest.raises(EffectRefused):
            platform.apply(forward(), key="k1")
        platform.close()


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "http://nowhere.invalid:{port}"])
def test_nobody_there_is_unknown(url: str) -> None:
    platform = HttpPlatform(url.format(port=free_port()), secret=None, timeout=2.0)
    for ask in (platform.manifest, lambda: platform.read("post:1"), lambda: platform.apply(forward(), key="k1")):
        with pytest.raises(EffectUnknown):
            ask()
    platform.close()


def _drop(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def _fail(handler: BaseHTTPRequestHandler) -> None:
    handler.send_error(500)


def _throttle(handler: BaseHTTPRequestHandler) -> None:
    handler.send_error(429)


@pytest.mark.parametrize("spoil", [_drop, _fail, _throttle])
def test_what_was_applied_without_an_answer_is_found_and_not_repeated(server_url: str, spoil: object) -> None:
    assert callable(spoil)
    effect, key = forward("strike_author"), new_id()
    with front(server_url, spoil) as url:
        platform = HttpPlatform(url, secret=SECRET)
        with pytest.raises(EffectUnknown):
            platform.apply(effect, key=key)
        found = platform.find(key)
        assert found is not None
        assert list(platform.read(effect.target).values()) == [found.after]
        platform.close()
    direct = HttpPlatform(server_url, secret=SECRET)
    assert direct.apply(effect, key=key) == found
    direct.close()
