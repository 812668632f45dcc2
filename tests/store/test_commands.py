"""Commands: published by priority then age within the window, claimed once, fenced by their epoch."""

import threading

import psycopg
import pytest

from hitl.errors import Fenced
from hitl.operations import runs
from hitl.store import commands, outbox, workers
from tests.graphs.house import MODERATOR, SERVED, House

SERVES = [SERVED]


def _take(house: House, window: int = 64, relay: str = "relay") -> list[int]:
    with house.store.transaction() as tx:
        taken, _ = outbox.take(tx, window=window, relay=relay, serves=SERVES)
    return [command_id for command_id, _ in taken]


def _starts(house: House, *priorities: int) -> dict[int, int]:
    """Command id to priority, of new starts."""
    for n, priority in enumerate(priorities):
        house.start(f"text {n} {priority}", priority=priority)
    return {r["command_id"]: r["priority"] for r in house.rows("select command_id, priority from commands")}


def test_the_most_urgent_go_first_and_among_equals_the_oldest(house: House) -> None:
    known = _starts(house, 5, 9, 0, 5, 9)
    taken = _take(house)
    assert [known[c] for c in taken] == [9, 9, 5, 5, 0]
    assert taken[0] < taken[1]
    assert taken[2] < taken[3]


def test_no_more_is_published_than_the_window_holds(house: House) -> None:
    _starts(house, *[5] * 6)
    assert len(_take(house, 4)) == 4
    assert _take(house, 4) == []
    urgent = _starts(house, 9)
    first = house.rows("select command_id from commands where state = 'published' order by 1 limit 1")[0]["command_id"]
    house.claim(first)
    (next_,) = _take(house, 4)
    assert urgent[next_] == 9


def test_a_relay_keeps_to_its_share_of_the_window(house: House) -> None:
    _starts(house, *[5] * 8)
    with house.store.transaction() as tx:
        for relay in ("r1", "r2"):
            workers.beat(tx, relay, serves=[], relay=True)
    assert len(_take(house, 6, "r1")) == 3
    assert _take(house, 6, "r1") == []
    assert len(_take(house, 6, "r2")) == 3
    assert _take(house, 6, "r2") == []


def test_a_relay_is_told_when_more_may_be_waiting(house: House) -> None:
    _starts(house, *[5] * 5)
    told = []
    for _ in range(3):
        with house.store.transaction() as tx:
            taken, more = outbox.take(tx, window=3, relay="relay", serves=SERVES)
            told.append((len(taken), more))
            tx.execute("update commands set state = 'done', finished_at = now() where state = 'published'")
    assert told == [(3, True), (2, False), (0, False)]


def test_a_relay_is_told_that_there_is_no_room_where_it_takes_nothing(house: House) -> None:
    _starts(house, *[5] * 4)
    with house.store.transaction() as tx:
        told = [outbox.take(tx, window=3, relay="relay", serves=SERVES) for _ in range(2)]
    assert [(len(taken), full) for taken, full in told] == [(3, True), (0, True)]


def test_a_poll_finds_what_is_ready_or_not_heard_of_and_nothing_else(house: House) -> None:
    def waits() -> bool:
        with house.store.statement() as tx:
            return outbox.waits(tx)

    found = [waits()]
    _starts(house, 5)
    found.append(waits())
    (command_id,) = _take(house)
    found.append(waits())
    run = house.claim(command_id)
    found.append(waits())
    house.runner().run(run)
    assert [*found, waits()] == [False, True, True, False, False]


def test_what_the_broker_did_not_take_is_ready_again_and_what_was_claimed_meanwhile_is_not(house: House) -> None:
    _starts(house, 5, 5)
    one, other = _take(house)
    run = house.claim(one)
    with house.store.transaction() as tx:
        outbox.unpublish(tx, [one, other])
    assert house.due() == [other]
    assert house.runner().run(run) == "done"


def test_what_nobody_heard_of_is_published_again_ever_more_seldom(house: House) -> None:
    _starts(house, 5)
    (command_id,) = _take(house)
    for age, heard in ((4, True), (11, False), (19, True), (21, False), (39, True), (41, False)):
        house.sql("update commands set published_at = now() - make_interval(secs => %s)", (age,))
        assert _take(house) == ([] if heard else [command_id]), age


def test_what_no_living_worker_serves_stays_out_of_the_window(house: House) -> None:
    _starts(house, 5, 5)
    house.sql("update commands set graph_version = '0' where command_id = (select min(command_id) from commands)")
    assert len(_take(house, 1)) == 1
    assert house.rows("select state from commands where graph_version = '0'") == [{"state": "ready"}]


def test_what_waits_for_its_time_is_neither_published_nor_claimed(house: House) -> None:
    _starts(house, 5)
    house.sql("update commands set available_at = now() + interval '1 minute'")
    (command_id,) = [r["command_id"] for r in house.rows("select command_id from commands")]
    assert _take(house) == []
    assert house.deliver(command_id) is None


def test_relays_at_once_publish_each_command_once(house: House) -> None:
    _starts(house, *[5] * 12)
    taken: list[int] = []
    gate = threading.Barrier(4)

    def relay(name: str) -> None:
        gate.wait()
        taken.extend(_take(house, 64, name))

    threads = [threading.Thread(target=relay, args=(f"r{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken))
    assert sorted([*taken, *_take(house)]) == sorted(
        house.rows("select array_agg(command_id) as c from commands")[0]["c"]
    )


def test_of_eight_claims_at_once_one_wins(house: House) -> None:
    _starts(house, 5)
    (command_id,) = house.due()
    won: list[str] = []
    gate = threading.Barrier(8)
    for n in range(8):
        house.runner(f"w{n}")

    def claim(worker: str) -> None:
        gate.wait()
        if house.runner(worker).begin(command_id, worker):
            won.append(worker)

    threads = [threading.Thread(target=claim, args=(f"w{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert house.rows("select epoch, attempts from commands") == [{"epoch": 1, "attempts": 1}]


def test_a_renewed_lease_holds_and_an_expired_one_is_not_brought_back(house: House) -> None:
    house.start()
    run = house.claim(house.due()[0], "w1")
    house.sql("update commands set lease_until = now() + interval '1 second'")
    for owner, kept in (("w2", False), ("w1", True)):
        with house.store.transaction() as tx:
            commands.renew(tx, owner, [run.command_id])
        row = house.rows("select lease_until > now() + interval '20 seconds' as kept from commands")[0]
        assert row["kept"] == kept
    house.expire()
    with house.store.transaction() as tx:
        commands.renew(tx, "w1", [run.command_id])
    with pytest.raises(Fenced), house.store.transaction() as tx:
        commands.hold(tx, run)


def test_what_is_handed_back_is_due_at_once_uncounted_and_its_run_fenced(house: House) -> None:
    case_id = house.waiting()
    house.decide(case_id, by=MODERATOR)
    run = house.claim(house.due()[0])
    with house.store.transaction() as tx:
        runs.hand_back(tx, run)
    assert house.due() == [run.command_id]
    assert house.command(case_id)["attempts"] == 0
    assert house.runner().run(run) == "fenced"
    assert house.drain("w2") == ["done"]


def test_what_a_dead_process_had_is_due_at_once(house: House) -> None:
    _starts(house, 5, 5)
    one, other = _take(house, 64, "dead")
    house.claim(one, "dead")
    with house.store.transaction() as tx:
        assert commands.release(tx, "dead") == 2
    assert sorted(house.due()) == sorted([one, other])


def test_the_database_itself_allows_one_moving_command_per_case(house: House) -> None:
    case_id = house.start()
    with pytest.raises(psycopg.errors.UniqueViolation):
        house.sql(
            "insert into commands (case_id, kind, graph, graph_version) values (%s, 'resume', 'g', '1')", (case_id,)
        )
    house.sql("insert into commands (case_id, kind, graph, graph_version) values (%s, 'settle', 'g', '1')", (case_id,))
