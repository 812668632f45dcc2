"""Sending in one packet: what was seen still holds, or nothing at all is written."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from hitl.domain.commands import Command
from hitl.errors import Fenced, TargetBusy
from hitl.graphs.run import Run
from hitl.operations import ledger
from hitl.operations.ledger import Seen
from hitl.store.notify import Change
from hitl.store.postgres import DictRow, Tx
from hitl.store.proof import MovedOn
from tests.graphs.house import SUPERVISOR, House, edit

WAITING = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
LOCK = "select 1 from cases where case_id = %s for update"
SENDING = "update actions set status = 'sending' where action_id = %s"


def _due(house: House, n: int = 1, *kinds: str) -> tuple[Command, DictRow]:
    """A claimed decision about the one post that all share, and its first action, as it is read before it is sent."""
    case_id = house.waiting(content=f"text {n}", content_id="p")
    house.decide(case_id, "edit", actions=edit(*(kinds or ["remove_content"])))
    (command_id,) = [c for c in house.due() if c == house.command(case_id)["command_id"]]
    command = house.claim(command_id)
    return command, _work(house, command)


def _work(house: House, command: Command) -> DictRow:
    with house.store.statement() as tx:
        if command.kind == "rollback":
            return ledger.reverse_work(tx, command.case_id)[0]
        return ledger.forward_work(tx, command.ref or "")[0]


def _send(house: House, command: Command, row: DictRow, used: list[Tx] | None = None) -> DictRow:
    value = row["restore"] if row["direction"] == "reverse" else {"as": "seen"}
    with house.store.statement() as tx:
        if used is not None:
            used.append(tx)
        return ledger.sent_as_seen(tx, command, row, Seen(value, row["untouched"], time.monotonic()))


def _behind(house: House, command: Command, row: DictRow, meanwhile: Callable[[Tx], object]) -> DictRow | Exception:
    """What comes of sending that has begun when its case is locked, and waits until `meanwhile` is over."""
    found: list[DictRow | Exception] = []

    def run() -> None:
        try:
            found.append(_send(house, command, row))
        except (MovedOn, TargetBusy) as error:
            found.append(error)

    thread = threading.Thread(target=run)
    with house.store.transaction() as tx:
        tx.execute(LOCK, (command.case_id,))
        thread.start()
        while not house.rows(WAITING):
            time.sleep(0.005)
        meanwhile(tx)
    thread.join()
    return found[0]


def _nothing(house: House, command: Command, row: DictRow) -> None:
    """Sending this is given up, and leaves no trace."""
    before = house.dump()
    with pytest.raises(MovedOn):
        _send(house, command, row)
    assert house.dump() == before


def test_what_is_as_it_was_seen_is_sent_called_and_told_at_once(house: House) -> None:
    command, row = _due(house)
    used: list[Tx] = []
    found = _send(house, command, row, used)
    assert (found["status"], found["called"], found["tried_before"]) == ("sending", True, False)
    (action,) = house.rows("select * from actions")
    assert (action["status"], action["called"], action["before"]) == ("sending", True, {"as": "seen"})
    assert action["sent_at"] <= action["called_at"]
    assert house.rows("select target from on_their_way") == [{"target": "post:p"}]
    assert house.told(command.case_id)[-1] == "action_sent"
    version = house.show(command.case_id)["version"]
    assert version == row["case"].version + 1 == len(house.events(command.case_id))
    assert used[0].changed == {Change(command.case_id, version, rest=False)}


def test_a_reversal_is_sent_with_what_it_is_to_restore(house: House) -> None:
    house.world.state = {"post:p": {"remove_content": {"by": "them"}}}
    case_id = house.acted("edit", content_id="p", actions=edit("remove_content"))
    house.rollback(case_id, by=SUPERVISOR)
    command = house.claim(house.due()[0])
    found = _send(house, command, _work(house, command))
    assert (found["called"], found["before"]) == (True, {"by": "them"})
    assert house.action(case_id, "remove_content", "reverse")["before"] == {"by": "them"}
    assert house.told(case_id)[-1] == "reversal_sent"


def test_without_the_lease_nothing_is_written(house: House) -> None:
    command, row = _due(house)
    house.expire()
    _nothing(house, command, row)
    with pytest.raises(Fenced), Run(house.store, command).sending(row["action_id"]):
        pass


ENDED = "update commands set state = 'done', finished_at = now() where state = 'claimed'"
TAKEN = "update commands set epoch = epoch + 1"
GIVEN_BACK = "update commands set state = 'ready', lease_until = null where state = 'claimed'"


@pytest.mark.parametrize("change", [ENDED, TAKEN, GIVEN_BACK])
def test_under_another_lease_nothing_is_written(house: House, change: str) -> None:
    command, row = _due(house)
    house.sql(change)
    _nothing(house, command, row)


def test_a_lease_that_is_lost_while_the_case_is_waited_for_is_lost(house: House) -> None:
    command, row = _due(house)

    def overtaken(tx: Tx) -> None:
        tx.execute(TAKEN)

    assert isinstance(_behind(house, command, row, overtaken), MovedOn)
    assert house.rows("select status, called from actions") == [{"status": "planned", "called": False}]


def test_a_lease_that_runs_out_while_the_case_is_waited_for_is_lost(house: House) -> None:
    command, row = _due(house)
    house.sql("update commands set lease_until = now() + interval '1 second' where state = 'claimed'")

    def run_out(tx: Tx) -> None:
        while house.rows("select 1 from commands where state = 'claimed' and lease_until > now()"):
            time.sleep(0.01)

    assert isinstance(_behind(house, command, row, run_out), MovedOn)
    assert house.rows("select status, called from actions") == [{"status": "planned", "called": False}]


def test_of_a_case_that_has_moved_on_nothing_is_written(house: House) -> None:
    command, row = _due(house)
    house.sql("update cases set version = version + 1")
    _nothing(house, command, row)


@pytest.mark.parametrize("moves", [True, False])
def test_of_a_case_that_moves_on_while_it_is_waited_for_nothing_is_written(house: House, moves: bool) -> None:
    command, row = _due(house)
    change = "update cases set version = version + 1" if moves else "update cases set cleared = cleared"
    found = _behind(house, command, row, lambda tx: tx.execute(change))
    assert isinstance(found, MovedOn) is moves
    assert house.rows("select called from actions") == [{"called": not moves}]


def test_what_is_done_to_the_target_while_the_case_is_waited_for_is_seen(house: House) -> None:
    first = house.acted("edit", content="text 1", content_id="p", actions=edit("remove_content"))
    (second, forward), undoing = _due(house, 2), house.rollback(first, by=SUPERVISOR)
    back = house.claim(house.command(undoing["case_id"])["command_id"])
    found = _behind(house, back, _work(house, back), lambda _: house.runner().run(second))
    assert not isinstance(found, Exception)
    assert (forward["target"], house.actions(second.case_id)) == ("post:p", {"remove_content": "applied"})
    assert (found["status"], found["called"]) == ("sending", False)  # it is shared by now: nothing may be restored
    reversal = house.action(first, "remove_content", "reverse")
    assert (reversal["status"], reversal["called"]) == ("sending", False)


@pytest.mark.parametrize("ends", [True, False])
def test_who_meets_another_on_its_way_waits_and_writes_nothing_unless_that_turns_back(house: House, ends: bool) -> None:
    (command, _), (_, other) = _due(house), _due(house, 2)
    row = _work(house, command)
    found: list[Any] = []

    def run() -> None:
        with suppress(TargetBusy):
            found.append(_send(house, command, row))

    thread = threading.Thread(target=run)
    with suppress(KeyError), house.store.transaction() as tx:
        tx.execute(SENDING, (other["action_id"],))
        thread.start()
        while not house.rows(WAITING):
            time.sleep(0.005)
        if not ends:
            raise KeyError
    thread.join()
    action = house.rows("select status, called from actions where action_id = %s", (row["action_id"],))
    assert action == [{"status": "planned", "called": False} if ends else {"status": "sending", "called": True}]
    assert ("action_sent" in house.told(command.case_id)) is not ends
    assert len(found) == int(not ends)
