"""A deployment that nobody notices; the long form is `scripts/chaos restarts`."""

import asyncio

import pytest

from tests.chaos.lines import Balancer
from tests.chaos.restarts import report, run
from tests.platforms.faults import answer, scripted
from tests.services.ports import free_port

RESTARTS, CLIENTS = 2, 8


@pytest.mark.timeout(600)  # on an idle machine it is done in 25 s
# an HTTP client leaves connections to restarted desks to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_rolling_restart_is_seen_by_nobody_and_doubles_nothing() -> None:
    outcome = run("embedded", RESTARTS, seed=3, clients=CLIENTS)

    assert outcome.found == outcome.seen == [], report(outcome)
    assert outcome.counts["settled"] == outcome.counts["acknowledged"] > 0


def test_a_balancer_goes_elsewhere_only_when_it_was_refused() -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with scripted(answer("200 OK", b"{}")) as well, scripted(lambda connection: None) as mute:
        assert _ask([nobody, well.url]) == ([], 1)
        assert _ask([nobody, nobody]) == (["502 (no desk takes connections) to POST /start"], 2)
        seen, elsewhere = _ask([mute.url, well.url])
        assert seen[0].startswith("502 (the desk gave no answer")
        assert elsewhere == 0


def test_a_balancer_keeps_what_a_desk_should_not_say() -> None:
    with scripted(answer("503 Service Unavailable", b"{}")) as down:
        assert _ask([down.url]) == (["503 to POST /start: {}"], 0)


def _ask(desks: list[str]) -> tuple[list[str], int]:
    async def once() -> Balancer:
        balancer = Balancer(desks)
        await balancer.send("POST", "/start", json={})
        await balancer.close()
        return balancer

    balancer = asyncio.run(once())
    return balancer.seen, balancer.elsewhere
