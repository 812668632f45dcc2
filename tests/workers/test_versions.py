"""Cases of a graph version that no living worker serves wait, and say so; a reversal goes on under the current one."""

from hitl.store import workers
from tests.graphs.house import CURRENT
from tests.workers.crew import Crew


def test_unserved_versions_park_and_come_back(embedded_crew: Crew) -> None:
    crew = embedded_crew
    old, reversed_ = crew.start(2)
    worker = crew.hired()
    crew.await_statuses(waiting_review=2)
    crew.decide(reversed_)
    crew.await_statuses(waiting_review=1, completed=1)
    crew.run("update cases set graph_version = '0'")

    crew.decide(old)
    crew.appeal(reversed_)

    crew.await_(lambda: crew.status(old)["status"] == "needs_migration", worker)
    crew.await_(lambda: crew.status(reversed_)["status"] == "waiting_review", worker)
    case = crew.status(reversed_)
    assert (case["graph_version"], case["review"]["round"]) == (CURRENT, 2)
    told = crew.rows("select data from events where type = 'graph_version_changed' and case_id = %s", reversed_)
    assert told == [{"data": {"from": "0", "to": CURRENT}}]

    with crew.store.transaction() as tx:
        workers.beat(tx, "an old worker", serves=["moderation@0"], relay=False)
    crew.await_(lambda: crew.status(old)["status"] == "executing", worker)
    crew.run("update commands set graph_version = %s where state <> 'done'", CURRENT)
    crew.run("update cases set graph_version = %s", CURRENT)
    crew.await_(lambda: crew.status(old)["status"] == "completed", worker)
