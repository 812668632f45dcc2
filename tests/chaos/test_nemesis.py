"""The short form of `scripts/chaos`: every kind of fault on both brokers, and what makes its runs worth believing."""

import itertools
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from tests.chaos.clocks import AHEAD, BEHIND, wrong
from tests.chaos.nemesis import EVERY, ONLY_RABBITMQ, schedule
from tests.chaos.proxy import Proxy
from tests.chaos.report import report
from tests.chaos.run import Plan, run
from tests.chaos.stage import Broker
from tests.journeys.guardian import environment

CASES = {"embedded": 180, "rabbitmq": 120}
SEEDS = {"embedded": 20261121, "rabbitmq": 20261122}


@pytest.mark.timeout(900)  # on an idle machine it is done in 90 s for both
# an HTTP client leaves connections to killed desks to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("broker", ["embedded", "rabbitmq"])
def test_whatever_is_killed_nothing_is_lost_or_done_twice(broker: Broker) -> None:
    outcome = run(Plan(broker, CASES[broker], seed=SEEDS[broker], hurry=True), print)

    assert outcome.found == [], f"{report(outcome)}\n{outcome.said[-6000:]}"
    assert outcome.counts["acknowledged"] == outcome.counts["settled"] == CASES[broker]
    assert outcome.struck == set(_faults(broker))


def test_a_schedule_comes_again_with_its_seed() -> None:
    for broker in ("embedded", "rabbitmq"):
        first, again, other = (list(itertools.islice(schedule(seed, broker, tuple(EVERY)), 500)) for seed in (1, 1, 2))
        assert first == again != other
        assert first == sorted(first, key=lambda blow: blow.at)
        assert {blow.fault for blow in first} == set(_faults(broker))


@pytest.mark.parametrize(("offset", "seconds"), [(AHEAD, 600), (BEHIND, -600)])
def test_a_wrong_clock_is_wrong_and_sleeps_as_long_as_any(offset: str, seconds: int) -> None:
    code = """import time; from tests.chaos import clocks; clocks.mend_sleep()
before = time.monotonic(); time.sleep(0); time.sleep(0.2); print(time.time(), time.monotonic() - before)"""
    run_ = [sys.executable, "-c", code]
    said = subprocess.run(run_, env=environment(wrong(offset)), capture_output=True, check=True)
    now, slept = map(float, said.stdout.split())
    assert now - time.time() == pytest.approx(seconds, abs=300)
    assert 0.2 <= slept < 60


def _faults(broker: str) -> list[str]:
    return [fault for fault in EVERY if fault not in ONLY_RABBITMQ or broker == "rabbitmq"]


@pytest.fixture
def line() -> Iterator[tuple[Proxy, socket.socket]]:
    """A proxy before a server that says everything back, and a connection through it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        threading.Thread(target=_echo, args=(server,), daemon=True).start()
        with (
            Proxy(("127.0.0.1", server.getsockname()[1])) as proxy,
            closing(socket.create_connection(("127.0.0.1", proxy.port), timeout=30.0)) as peer,
        ):
            assert _said(peer, b"hello") == b"hello"
            yield proxy, peer


def test_a_line_that_is_held_delivers_later(line: tuple[Proxy, socket.socket]) -> None:
    proxy, peer = line
    proxy.hold("up")
    peer.sendall(b"late")
    assert _nothing_comes(peer)
    proxy.heal()
    assert peer.recv(9) == b"late"


@pytest.mark.parametrize("how", ["swallow", "half_open"])
def test_what_is_swallowed_never_arrives_and_the_line_is_cut_in_the_end(
    line: tuple[Proxy, socket.socket], how: str
) -> None:
    proxy, peer = line
    proxy.half_open() if how == "half_open" else proxy.swallow("down")
    peer.sendall(b"lost")
    assert _nothing_comes(peer)
    proxy.heal()
    with suppress(ConnectionError):
        assert peer.recv(9) == b""


def test_a_line_that_is_cut_or_refused_can_be_opened_again(line: tuple[Proxy, socket.socket]) -> None:
    proxy, peer = line
    proxy.cut()
    with suppress(ConnectionError):
        assert peer.recv(9) == b""
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxy.port), timeout=30.0)
    proxy.accept()
    with closing(socket.create_connection(("127.0.0.1", proxy.port), timeout=30.0)) as again:
        assert _said(again, b"back") == b"back"


def _said(peer: socket.socket, word: bytes) -> bytes:
    peer.sendall(word)
    return peer.recv(len(word))


def _nothing_comes(peer: socket.socket) -> bool:
    peer.settimeout(0.3)
    try:
        return not peer.recv(9)
    except TimeoutError:
        return True
    finally:
        peer.settimeout(30.0)


def _echo(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            peer = server.accept()[0]
            threading.Thread(target=_repeat, args=(peer,), daemon=True).start()


def _repeat(peer: socket.socket) -> None:
    with suppress(OSError), closing(peer):
        while word := peer.recv(4096):
            peer.sendall(word)
