"""A run settled by one statement: it holds the lease and the case is as it was seen, or nothing at all is written."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hitl.domain.events import WORKER, Fact
from hitl.operations import runs, upkeep
from hitl.operations.backlog import Backlog
from hitl.operations.start import StartRequest, start
from hitl.store import cases
from hitl.store.postgres import Store, Tx
from tests.graphs.house import AUTHOR, SERVED, SUPERVISOR, SUPERVISOR_2, House, edit

Change = Callable[[House, Tx, int], None]
# Whoever settles waits for the case with the statement that writes, so it has looked.
WAITING = """select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()
    and query like 'with rider%'"""
POST = "post:p"


class Watched(Store):
    """Knows the names of the transactions that were begun."""

    def __init__(self, url: str) -> None:
        super().__init__(url, size=12)
        self.names: list[str | None] = []

    @contextmanager
    def transaction(self, name: str | None = None) -> Iterator[Tx]:
        self.names.append(name)
        with super().transaction(name) as tx:
            yield tx

    def took_transactions(self) -> bool:
        """Whether a run was settled in a transaction since this was asked last."""
        names, self.names = self.names, []
        return "settle" in names


@pytest.fixture
def watched(house: House) -> Watched:
    house.store.close()
    house.store = Watched(house.url)
    return house.store


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
    locked = threading.Event()

    def hold() -> None:
        with house.store.transaction() as tx:
            tx.execute("select 1 from cases where case_id = %s for update", (case_id,))
            locked.set()
            while not house.rows(WAITING):
                time.sleep(0.01)
            change(house, tx, command_id)
        left.append(house.dump())

    holder = threading.Thread(target=hold)

    def begin() -> None:
        house.on_settle = None
        house.store._memory.clear()  # what has to be read again is read before anything is written
        holder.start()
        locked.wait()

    house.on_settle = begin
    said = house.deliver(command_id)
    holder.join()
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


def test_behind_who_only_looked_it_is_settled(house: House, watched: Watched) -> None:
    case_id, command_id = _due(house, "resume")
    watched.took_transactions()
    said, _ = _behind(house, case_id, command_id, lambda *_: None)
    assert (said, watched.took_transactions()) == ("done", False)
    assert house.show(case_id)["outcome"] == "actioned"


def test_every_run_of_the_usual_way_is_settled_by_one_statement(house: House, watched: Watched) -> None:
    case_id = house.acted()
    shown = house.show(case_id)
    assert (shown["outcome"], shown["needs_attention"]) == ("actioned", False)
    assert set(house.actions(case_id).values()) == {"applied"}
    house.rollback(case_id)
    house.drain()
    assert house.actions(case_id) == {
        "remove_content": "reversed", "warn_author": "reversed", "notify_author": "irreversible"
    }  # fmt: skip
    assert set(house.actions(case_id, "reverse").values()) == {"applied"}
    house.decide(case_id, "reject", by=SUPERVISOR)
    house.drain()
    shown = house.show(case_id)
    assert (shown["outcome"], shown["needs_attention"], watched.took_transactions()) == ("kept", False, False)
    told = house.told(case_id)
    assert [told.count(one) for one in ("analyzed", "action_applied", "case_completed")] == [1, 3, 2]
    assert house.rows("select 1 from on_their_way") == []


def test_the_one_action_that_is_applied_with_it_makes_the_outcome(house: House, watched: Watched) -> None:
    case_id = house.acted("edit", actions=edit("remove_content"))
    assert house.actions(case_id) == {"remove_content": "applied"}
    assert (house.show(case_id)["outcome"], watched.took_transactions()) == ("actioned", False)


def test_what_the_last_reversal_of_a_held_round_undid_stands_no_more(house: House, watched: Watched) -> None:
    house.analyzer.policies = ("violence",)
    case_id = house.acted("edit", actions=edit(suspend_author={"days": 3}))
    house.rollback(case_id)
    house.drain()
    assert house.show(case_id)["appeal"]["on_appeal"] == "hold"
    assert house.actions(case_id) == {"suspend_author": "applied"}
    house.decide(case_id, "reject", by=SUPERVISOR)
    house.drain()
    assert house.actions(case_id) == {"suspend_author": "reversed"}
    assert (house.show(case_id)["outcome"], watched.took_transactions()) == ("kept", False)


def test_what_a_person_had_to_look_at_and_is_undone_needs_nobody_any_more(house: House, watched: Watched) -> None:
    case_id = house.acted("edit", actions=edit("remove_content"), content_id="p")
    house.world.state[POST] = {"remove_content": {"by": "the law"}}
    house.rollback(case_id, by=SUPERVISOR)
    house.insist()
    house.decide(case_id, "reject", by=SUPERVISOR_2)
    house.insist()
    assert house.show(case_id)["needs_attention"]
    house.world.state[POST] = {}
    house.rollback(case_id, by=SUPERVISOR)
    watched.took_transactions()
    assert house.insist() == ["done"]
    shown = house.show(case_id)
    assert (house.actions(case_id), shown["needs_attention"]) == ({"remove_content": "reversed"}, False)
    assert watched.took_transactions(), "what it derives from would not have been seen"


def test_an_action_that_is_not_on_its_way_any_more_is_looked_at_with_the_case_locked(
    house: House, watched: Watched
) -> None:
    """However that came about: told is what was written."""
    case_id, command_id = _due(house, "resume")
    house.on_settle = lambda: house.sql("update actions set status = 'applied' where status = 'sending'")
    watched.took_transactions()
    assert house.deliver(command_id) == "done"
    assert watched.took_transactions()
    assert house.told(case_id).count("action_applied") == 2


def test_a_clean_post_is_judged_and_allowed_by_three_statements(house: House, watched: Watched) -> None:
    house.analyzer.policies = ()
    case_id = house.start()
    watched.took_transactions()
    assert house.drain() == ["done"]
    assert (house.show(case_id)["outcome"], watched.took_transactions()) == ("allowed", False)
    assert house.told(case_id) == ["case_received", "analysis_started", "analyzed", "case_completed"]


@pytest.mark.parametrize("quick", [True, False])
def test_what_was_paid_for_was_written_before_and_is_told_all_the_same(
    house: House, watched: Watched, quick: bool
) -> None:
    house.analyzer.quick = quick
    house.analyzer.usage = {"total_tokens": 9}
    case_id = house.waiting()
    assert not watched.took_transactions()
    assert house.told(case_id) == ["case_received", "analysis_started", "analyzed", "review_opened"]
    assert [c["policy"] for c in house.show(case_id)["verdict"]["categories"]] == ["harassment"]


def test_what_is_told_of_an_analysis_is_what_was_kept(house: House) -> None:
    case_id = house.waiting()
    (kept,) = house.rows("select categories, analyzer, latency_ms, suspect, sampled, unavailable from analyses")
    (told,) = [e["data"] for e in house.events(case_id) if e["type"] == "analyzed"]
    assert told.pop("categories") == [
        {k: c[k] for k in ("policy", "severity", "confidence")} for c in kept["categories"]
    ]
    assert told == {name: kept[name] for name in told}
