"""The short form of the failpoint matrix: killed at every commit boundary, it loses nothing and doubles nothing.

The long form, with exceptions, stalls and both brokers for all of them, is `scripts/chaos matrix`.
"""

import itertools
from collections.abc import Iterator

import pytest

from hitl.failpoints import NAMES
from tests.chaos.combinations import Broker, Combination, run
from tests.chaos.site import Site, opened
from tests.chaos.troubles import TROUBLES
from tests.services.folders import throwaway
from tests.services.postgres import Databases
from tests.services.rabbitmq import PrivateRabbitMQ

# The first action that is done honors the key, the second can be queried, of the third nothing is promised. The second
# is the first to be undone, and on its way as soon as the first is recorded; where it was never heard of it is repeated
# half a minute later, too slow for a suite.
SLOW = ("after_commit:record", "after_commit:send_reversal", "before_reversal_call")
MORE = [Combination(name, "kill", nth) for name in ("after_call", "after_reversal_call") for nth in (2, 3)]
GHOSTS = [Combination("before_call", "overtake", 2), Combination("before_reversal_call", "overtake")]
MAIN_PATH = [Combination(name, nth=2 if name in SLOW else 1) for name in NAMES if not Combination(name).beside]
BESIDE = ("before_commit:refused", "after_commit:unknown", "before_commit:settled_actions", "after_commit:adopt")
EMBEDDED = [*MAIN_PATH, *MORE, *map(Combination, BESIDE)]
DOORBELL = ("after_commit:publish", "after_publish", "before_commit:claim", "after_commit:claim", "after_call")
RABBITMQ = [Combination(name) for name in (*DOORBELL, "before_commit:checkpoint", "after_commit:settle")]
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def embedded(databases: Databases) -> Iterator[Site]:
    """A Guardian on the embedded broker."""
    with throwaway("chaos") as folder, databases.fresh() as url, opened(Site(folder, url, None)) as site:
        yield site


@pytest.fixture(scope="module")
def rabbit(databases: Databases, rabbitmq_node: PrivateRabbitMQ) -> Iterator[Site]:
    """A Guardian over RabbitMQ."""
    rabbitmq_node.start()
    broker = rabbitmq_node.fresh_url()
    with throwaway("chaos") as folder, databases.fresh() as url, opened(Site(folder, url, broker)) as site:
        yield site


def check(site: Site, broker: Broker, combination: Combination) -> None:
    wrong = list(run(site, broker, combination, next(numbers)).wrong)
    assert wrong == [], site.fleet.said("workers")[-5000:]


@pytest.mark.parametrize("combination", EMBEDDED, ids=str)
def test_a_kill_there_loses_nothing_and_doubles_nothing(embedded: Site, combination: Combination) -> None:
    check(embedded, "embedded", combination)


@pytest.mark.parametrize("combination", GHOSTS, ids=str)
def test_a_worker_that_wakes_up_after_it_was_overtaken_calls_nobody(embedded: Site, combination: Combination) -> None:
    check(embedded, "embedded", combination)


@pytest.mark.parametrize("combination", RABBITMQ, ids=str)
def test_neither_does_it_over_rabbitmq(rabbit: Site, combination: Combination) -> None:
    check(rabbit, "rabbitmq", combination)


def test_every_trouble_leads_past_a_commit() -> None:
    assert {f"{side}_commit:{boundary}" for side in ("before", "after") for boundary in TROUBLES} <= set(NAMES)


def test_a_failpoint_that_is_never_hit_is_a_failure(embedded: Site) -> None:
    outcome = run(embedded, "embedded", Combination("after_commit:verdict", "kill", 9), next(numbers))
    assert outcome.wrong == ("the failpoint was never hit",)


def test_a_platform_that_breaks_its_word_is_caught(database_url: str) -> None:
    with throwaway("chaos") as folder:
        liar = Site(folder, database_url, None, "release", "--lies", "remove_content")
        with opened(liar):
            outcome = run(liar, "embedded", Combination("after_call"), 1)
    assert [found.partition(":")[0] for found in outcome.wrong] == ["unique"]
