"""What a customer's API is sent and asked: the request, signatures, the manifest, and settings that cannot be used."""

import base64
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from standardwebhooks import Webhook

from hitl.clock import new_id
from hitl.errors import Invalid
from hitl.platforms.http import HttpPlatform
from hitl.platforms.port import EffectRefused, EffectUnknown, KindManifest, Receipt
from hitl.room import Room
from tests.platforms.effects import forward, reverse
from tests.platforms.example import SECRET, example_server
from tests.platforms.faults import answer, scripted

OK = b'{"reference":"r1","after":{"removed":true}}'


def test_the_request_is_what_the_contract_says() -> None:
    effect = reverse(forward("label_content", "post:ü/1"), {"label": "old"})
    with scripted(answer("200 OK", OK)) as server:
        platform = HttpPlatform(server.url + "/guardian/", secret=SECRET)
        assert platform.apply(effect, key="k1") == Receipt("r1", {"removed": True})
        assert platform.apply(effect, key="k1") == Receipt("r1", {"removed": True})
        platform.close()
    one, two = server.seen
    assert one.line == "POST /guardian/actions HTTP/1.1"
    assert json.loads(one.body) == {
        "action_id": effect.action_id,
        "kind": "label_content",
        "target": "post:ü/1",
        "params": {"label": "spam"},
        "direction": "reverse",
        "before": {"label": "old"},
        "reverses": effect.reverses,
    }
    assert one.headers["idempotency-key"] == "k1"
    assert one.headers["webhook-id"] == two.headers["webhook-id"]
    Webhook(SECRET).verify(one.body, one.headers)


def test_targets_are_encoded_as_a_whole_and_gets_are_signed() -> None:
    with scripted(answer("200 OK", b'{"remove_content":null,"suspend_author":{"days":1}}')) as server:
        platform = HttpPlatform(server.url, secret=SECRET)
        assert platform.read("post:a/b ?ü%2F") == {"suspend_author": {"days": 1}}
        platform.close()
    assert server.seen[0].line == "GET /targets/post%3Aa%2Fb%20%3F%C3%BC%252F HTTP/1.1"
    Webhook(SECRET).verify(b"", server.seen[0].headers, json_parse=False)


def test_without_a_secret_nothing_is_signed() -> None:
    with scripted(answer("200 OK", OK)) as server:
        platform = HttpPlatform(server.url, secret=None)
        platform.apply(forward(), key="k1")
        platform.close()
    assert not [name for name in server.seen[0].headers if name.startswith("webhook")]


def test_a_wrong_secret_is_refused_and_reads_nothing(server_url: str) -> None:
    other = HttpPlatform(server_url, secret="whsec_" + base64.b64encode(b"x" * 32).decode())
    bare = HttpPlatform(server_url, secret=None)
    for platform in (other, bare):
        with pytest.raises(EffectRefused, match="401"):
            platform.apply(forward(), key=new_id())
        with pytest.raises(EffectUnknown, match="401"):
            platform.manifest()
        with pytest.raises(EffectUnknown, match="401"):
            platform.read("post:1")
        with pytest.raises(EffectUnknown, match="401"):
            platform.find("k1")
        platform.close()


MANIFESTS = [b'{"remove_content":{"guarantee":"query","readable":false}}', b"{}"]


def test_the_manifest_is_read_once_a_minute_and_checked() -> None:
    with scripted(answer("200 OK", MANIFESTS[0])) as server:
        platform = HttpPlatform(server.url, secret=None)
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(lambda _: platform.manifest(), range(8)))
        assert found == [{"remove_content": KindManifest("query", readable=False)}] * 8
        platform.close()
    assert len(server.seen) == 1


def test_who_waits_for_the_manifest_holds_up_nobody() -> None:
    def slowly(connection: socket.socket) -> None:
        time.sleep(0.3)
        answer("200 OK", MANIFESTS[0])(connection)

    with scripted(slowly) as server:
        platform, one = HttpPlatform(server.url, secret=None), Room(1)

        def ask() -> None:
            with one.place():
                platform.manifest()

        threads = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in threads)
        platform.close()


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'{"remove_content":true}',
        b'{"remove_content":{"guarantee":"maybe","readable":true}}',
        b'{"remove_content":{"guarantee":["key"],"readable":true}}',
        b'{"remove_content":{"guarantee":"key","readable":"yes"}}',
        b'{"remove_content":{"guarantee":"key"}}',
    ],
)
def test_a_manifest_that_makes_no_sense_promises_nothing(body: bytes) -> None:
    with scripted(answer("200 OK", body)) as server:
        platform = HttpPlatform(server.url, secret=None)
        with pytest.raises(EffectUnknown):
            platform.manifest()
        platform.close()


@pytest.mark.parametrize("status", ["404 Not Found", "204 No Content", "500 Oh"])
def test_a_state_is_never_guessed(status: str) -> None:
    with scripted(answer(status, b"{}" if status[0] != "2" else b"")) as server:
        platform = HttpPlatform(server.url, secret=None)
        with pytest.raises(EffectUnknown):
            platform.read("post:1")
        platform.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://forum",
        "forum.example",
        "http://",
        "http://a:b@forum",
        "http://forum?x=1",
        "http://forum:99999",
        "http://[::1",
    ],
)
def test_a_url_that_cannot_be_used_is_named_at_once(url: str) -> None:
    with pytest.raises(Invalid):
        HttpPlatform(url, secret=None)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_x", "whsec_c2hvcnQ=", "whsec_ü", "whsec_" + "A" * 200])
def test_a_secret_that_cannot_be_used_is_named_at_once(secret: str) -> None:
    with pytest.raises(Invalid):
        HttpPlatform("http://forum.example", secret=secret)


def test_what_the_example_server_keeps_outlives_it(tmp_path: object) -> None:
    effect, key = forward(), new_id()
    file = f"{tmp_path}/forum.db"
    with example_server("--secret", SECRET, "--file", file) as url:
        platform = HttpPlatform(url, secret=SECRET)
        receipt = platform.apply(effect, key=key)
        platform.close()
    with example_server("--secret", SECRET, "--file", file) as url:
        platform = HttpPlatform(url, secret=SECRET)
        assert platform.find(key) == platform.apply(effect, key=key) == receipt
        platform.close()


def test_a_captured_call_is_good_for_its_own_key_and_path_only(server_url: str) -> None:
    with scripted(answer("200 OK", OK)) as server:
        platform = HttpPlatform(server.url, secret=SECRET)
        platform.apply(effect := forward(), key="captured")
        platform.find("captured")
        platform.close()
    post, get = ({k: v for k, v in seen.headers.items() if k.startswith(("webhook", "idem"))} for seen in server.seen)
    body = server.seen[0].body
    assert (
        httpx.post(f"{server_url}/actions", content=body, headers={**post, "idempotency-key": "x"}).status_code == 401
    )
    assert httpx.post(f"{server_url}/actions", content=body + b" ", headers=post).status_code == 401
    assert httpx.get(f"{server_url}/targets/{effect.target}", headers=get).status_code == 401
    assert httpx.post(f"{server_url}/actions", content=body, headers=post).status_code == 200
    assert httpx.get(f"{server_url}/actions/captured", headers=get).status_code == 200


BROKEN = [
    b"",
    b"[]",
    b"null",
    b'"x"',
    b"{",
    b"\xff",
    b"{}",
    b'{"kind":[],"target":"post:1"}',
    b'{"kind":"warn_author","target":7}',
]


@pytest.mark.parametrize("body", BROKEN)
def test_the_example_server_answers_nonsense_with_a_client_error(body: bytes) -> None:
    with example_server() as url:
        assert httpx.post(f"{url}/actions", content=body, headers={"Idempotency-Key": "k"}).status_code in (400, 422)
        assert httpx.get(f"{url}/actions/k").status_code == 404
