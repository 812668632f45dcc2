"""A run settled by one statement: it holds the lease and the case is as it was seen, or nothing at all is written."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from hitl.domain.events import WORKER, Fact
from hitl.operations import runs, upkeep
from hitl.operations.backlog import Backlog
from hitl.operations.start import StartRequest, start
from hitl.store import cases, commands
from hitl.store.postgres import Tx
from tests.graphs.house import AUTHOR, SERVED, House, edit
from tests.graphs.watched import Watched

Change = Callable[[House, Tx, int], None]
WAITING = "select query from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
CHILD = "import sys; from tests.graphs.house import House; House(sys.argv[1]).deliver(int(sys.argv[2]))"


def _due(house: House, kind: str) -> tuple[str, int]:
    """A case with a command of a kind that is due."""
    case_id = house.start(content_id="p") if kind == "start" else house.waiting(content_id="p")
    if kind != "start":
        house.decide(case_id)
    if kind == "rollback":
        house.drain()
        house.rollback(case_id)
    (command_id,) = house.due()
    return case_id, command_id


def _behind(house: House, case_id: str, command_id: int, change: Change) -> tuple[str | None, dict[str, list[bytes]]]:
    """How a run goes behind whose look something changes; and what there was then."""
    left: list[dict[str, list[bytes]]] = []
    waiting: list[str] = []
    locked = threading.Event()

    def hold() -> None:
        with house.store.transaction() as tx:
            tx.execute("select 1 from cases where case_id = %s for update", (case_id,))
            locked.set()
            while not (found := house.rows(WAITING)):
                time.sleep(0.01)
            waiting.append(found[0]["query"])
            change(house, tx, command_id)
        left.append(house.dump())

    holder = threading.Thread(target=hold)

    def begin() -> None:
        house.on_settle = None
        house.store.memory.clear()  # what has to be read again is read before anything is written
        holder.start()
        locked.wait()

    house.on_settle = begin
    said = house.deliver(command_id)
    holder.join()
    assert waiting[0].startswith("with rider"), "it waits with the statement that writes, so it has looked"
    return said, left[0]


def _ran_out(house: House, tx: Tx, command_id: int) -> None:
    house.expire(command_id)


def _adopted(house: House, tx: Tx, command_id: int) -> None:
    house.expire(command_id)
    assert upkeep.adopt(tx, command_id)


def _taken_over(house: House, tx: Tx, command_id: int) -> None:
    house.expire(command_id)
    assert runs.begin(tx, command_id, owner="w2", serves=[SERVED], quick=True)


def _canceled(house: House, tx: Tx, command_id: int) -> None:
    tx.execute("update commands set state = 'done', finished_at = now() where command_id = %s", (command_id,))


@pytest.mark.parametrize("kind", ["start", "resume", "rollback"])
@pytest.mark.parametrize("change", [_ran_out, _adopted, _taken_over, _canceled])
def test_a_run_that_loses_its_lease_behind_its_look_writes_nothing(house: House, kind: str, change: Change) -> None:
    said, left = _behind(house, *_due(house, kind), change)
    assert (said, house.dump()) == ("fenced", left)


def test_a_lease_that_runs_out_while_the_case_is_waited_for_is_no_lease_any_more(house: House) -> None:
    def wait(house: House, tx: Tx, command_id: int) -> None:
        while not house.rows("select 1 from commands where lease_until < clock_timestamp()"):
            time.sleep(0.01)

    case_id, command_id = _due(house, "resume")
    house.world.after_apply = lambda: house.sql(
        "update commands set lease_until = clock_timestamp() + interval '1 second' where state = 'claimed'"
    )
    said, left = _behind(house, case_id, command_id, wait)
    assert (said, house.dump()) == ("fenced", left)


def test_a_post_that_takes_the_place_of_another_behind_its_look_does(house: House) -> None:
    def post(house: House, tx: Tx, command_id: int) -> None:
        start(tx, AUTHOR, StartRequest("something else", content_id="p"), backlog=Backlog(10_000))

    case_id, command_id = _due(house, "start")
    said, _ = _behind(house, case_id, command_id, post)
    assert (said, house.show(case_id)["outcome"]) == ("fenced", "superseded")
    assert house.told(case_id).count("review_opened") == 0


@pytest.mark.parametrize("kind", ["start", "resume", "rollback"])
def test_behind_something_new_of_the_case_it_is_settled_with_the_case_locked_once(
    house: House, watched: Watched, kind: str
) -> None:
    def tell(house: House, tx: Tx, command_id: int) -> None:
        command = house.rows("select case_id from commands where command_id = %s", (command_id,))[0]
        cases.record(tx, cases.get(tx, command["case_id"]), [Fact("review_awaited", WORKER, {})])

    case_id, command_id = _due(house, kind)
    watched.took_transactions()
    said, _ = _behind(house, case_id, command_id, tell)
    assert (said, watched.took_transactions()) == ("done", True)
    events, ends = house.events(case_id), {"start": "review_opened", "resume": "case_completed"}
    assert [e["seq"] for e in events] == list(range(1, len(events) + 1))
    told = house.told(case_id)
    assert told.index("review_awaited") < len(told) - 1
    assert told[-1] == ends.get(kind, "review_opened")
    reviews = house.rows("select 1 from reviews")
    assert len(reviews) == (2 if kind == "rollback" else 1)
    assert house.command(case_id)["state"] == "done"


def _looked(house: House, tx: Tx, command_id: int) -> None:
    pass


def _renewed(house: House, tx: Tx, command_id: int) -> None:
    with house.store.transaction() as other:
        commands.renew(other, "w1", [command_id])


def _touched(house: House, tx: Tx, command_id: int) -> None:
    tx.execute("update cases set priority = priority")


@pytest.mark.parametrize("change", [_looked, _renewed, _touched])
def test_what_is_no_news_of_the_case_does_not_keep_it(house: House, watched: Watched, change: Change) -> None:
    case_id, command_id = _due(house, "resume")
    watched.took_transactions()
    said, _ = _behind(house, case_id, command_id, change)
    assert (said, watched.took_transactions()) == ("done", False)
    shown = house.show(case_id)
    assert (shown["outcome"], shown["version"]) == ("actioned", len(house.events(case_id)))


@pytest.mark.parametrize("boundary", ["record", "checkpoint", "settle"])
@pytest.mark.parametrize("side", ["before", "after"])
def test_who_is_killed_before_that_statement_has_written_nothing_and_after_it_everything(
    house: House, side: str, boundary: str
) -> None:
    case_id = house.waiting()
    house.decide(case_id, "edit", actions=edit("remove_content"))
    (command_id,) = house.due()
    armed = {**os.environ, "HITL_FAILPOINT": f"{side}_commit:{boundary}=kill"}
    ended = subprocess.run([sys.executable, "-c", CHILD, house.url, str(command_id)], env=armed, check=False)
    assert ended.returncode == -signal.SIGKILL
    (head,) = house.rows("select (state ->> 'finished')::bool as finished from checkpoint_heads")
    found = house.status(case_id), house.command(case_id)["state"], house.actions(case_id), head["finished"]
    nothing = ("executing", "claimed", {"remove_content": "sending"}, False)
    assert found == (nothing if side == "before" else ("completed", "done", {"remove_content": "applied"}, True))
    told = house.told(case_id)
    assert told[-1] == ("action_sent" if side == "before" else "case_completed")
