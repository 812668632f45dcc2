"""The relay looks again when a run has ended, but only while more may be waiting than its window has room for."""

from dramatiq.brokers.stub import StubBroker

from hitl.graphs import registry
from hitl.store import workers
from tests.workers.crew import Crew
from workers.relay import Relay

WINDOW = 2
CLAIMED = "update commands set state = 'claimed', lease_until = now() + interval '1 minute' where state = 'published'"


def test_a_run_that_ends_has_the_relay_look_again_only_while_its_window_is_full(embedded_crew: Crew) -> None:
    broker = StubBroker()
    broker.declare_queue("cases")
    with embedded_crew.store.transaction() as tx:
        registry.register(tx)
        serves = [f"{row['name']}@{row['version']}" for row in tx.all("select name, version from graph_versions")]
        workers.beat(tx, "here", serves=serves, relay=True)
    relay = Relay(embedded_crew.store, broker, "here", WINDOW)
    embedded_crew.start(WINDOW + 1)
    looks = []
    for _ in range(2):
        relay._round()
        embedded_crew.run(CLAIMED)
        relay.room()
        looks.append(relay._woken.is_set())
        relay._woken.clear()
    assert looks == [True, False]
    assert broker.queues["cases"].qsize() == WINDOW + 1
