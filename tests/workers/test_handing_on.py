"""A relay that is alone and idle hands a new command on, unmarked; any other looks for what should go before it."""

from typing import Any

import pytest
from dramatiq import Message
from dramatiq.brokers.stub import StubBroker

from hitl.domain.commands import FAR
from hitl.graphs import registry
from hitl.room import Room, away
from hitl.store import outbox, workers
from hitl.store.notify import LOOK, Due, called
from tests.workers.crew import Crew
from workers import relay
from workers.handed import FORGET_SECONDS, Handed
from workers.relay import Relay

IDLE, WINDOW = 3, 4
READY = "select command_id from commands where state = 'ready' order by 1"


class Alone:
    """A relay in a process of its own, woken by hand; `messages` are what it has handed out so far."""

    def __init__(self, crew: Crew) -> None:
        self.crew = crew
        self.broker = StubBroker()
        self.broker.declare_queue("cases")
        with crew.store.transaction() as tx:
            registry.register(tx)
            self.serves = [
                f"{row['name']}@{row['version']}" for row in tx.all("select name, version from graph_versions")
            ]
        self.lives("here")
        self.now = 1000.0
        self.room = Room(IDLE)
        self.relay = Relay(crew.store, self.broker, "here", WINDOW, clock=lambda: self.now)
        self.relay.works(WINDOW, self.room)
        self.relay._round()

    def lives(self, relay_id: str) -> None:
        """This relay says that it lives."""
        with self.crew.store.transaction() as tx:
            workers.beat(tx, relay_id, serves=self.serves, relay=True)

    def post(self, count: int = 1) -> list[int]:
        """Commands that are ready, of which nobody was told."""
        before = self.ready()
        self.crew.start(count)
        return [command_id for command_id in self.ready() if command_id not in before]

    def ready(self) -> list[int]:
        """The commands that are marked as ready."""
        return [row["command_id"] for row in self.crew.rows(READY)]

    def tell(self, command_ids: list[int], *, look: bool = False) -> None:
        """What a desk tells after its commit, and the round that follows."""
        self.hear(command_ids, look=look)
        self.relay._round()

    def hear(self, command_ids: list[int], *, look: bool = False) -> None:
        """What a desk tells after its commit."""
        self.relay._heard(called([Due("start", command_id, "a") for command_id in command_ids], look=look))

    def handed(self) -> list[int]:
        """The commands that were handed out, in their order."""
        return [Message.decode(message).args[0] for message in self.broker.queues["cases"].queue]

    def messages(self) -> int:
        """How many were handed out."""
        return int(self.broker.queues["cases"].qsize())


@pytest.fixture
def alone(embedded_crew: Crew) -> Alone:
    return Alone(embedded_crew)


def test_a_command_that_is_told_of_is_handed_on_without_a_mark(alone: Alone) -> None:
    posted = alone.post()
    alone.tell(posted)
    assert alone.messages() == 1
    assert alone.ready() == posted


def test_what_was_handed_on_is_not_taken_again_and_takes_room(alone: Alone) -> None:
    first = alone.post(2)
    alone.tell(first)
    others = alone.post(WINDOW)
    alone.tell([], look=True)
    assert alone.messages() == WINDOW
    assert alone.ready() == [*first, *others[WINDOW - 2 :]]


def test_more_than_it_can_have_under_way_is_looked_for(alone: Alone) -> None:
    alone.tell(alone.post(IDLE))
    last = alone.post()
    alone.tell(last)
    assert alone.messages() == IDLE + 1
    assert alone.crew.commands("published") == 1


def test_who_waits_for_an_analyzer_leaves_a_place_to_what_is_told_of(alone: Alone) -> None:
    alone.tell(alone.post(IDLE))
    with alone.room.place(), away():
        alone.tell(alone.post())
    assert alone.messages() == IDLE + 1
    assert alone.crew.commands("published") == 0
    alone.crew.run("update commands set state = 'done', finished_at = now()")
    alone.relay.ended(*alone.handed()[:1])
    alone.tell(alone.post())  # who was away is back
    assert alone.crew.commands("published") == 1


def test_what_was_told_before_is_not_overtaken(alone: Alone) -> None:
    alone.relay._embedded = True  # as where messages go to this process: the thread that hears hands on
    posted = alone.post(IDLE)
    alone.hear(posted)
    assert alone.messages() == IDLE
    first, second = alone.post(), alone.post()
    alone.hear(first)
    alone.relay.ended(posted[0])
    alone.crew.run("update commands set state = 'done', finished_at = now() where command_id = %s", posted[0])
    alone.hear(second)
    assert alone.messages() == IDLE
    alone.relay._round()
    assert alone.handed()[IDLE:] == [*first, *second]


def test_who_waits_for_an_analyzer_leaves_no_thread_to_others(alone: Alone) -> None:
    alone.tell(alone.post(IDLE))
    alone.relay.works(IDLE, alone.room)
    with alone.room.place(), away():
        alone.tell(alone.post())
    assert alone.crew.commands("published") == 1


def test_more_than_the_window_is_not_handed_on_however_many_threads_there_are(alone: Alone) -> None:
    alone.relay.works(2 * WINDOW, Room(2 * WINDOW))
    alone.tell(alone.post(WINDOW + 1))
    assert (alone.messages(), alone.crew.commands("published")) == (WINDOW, WINDOW)


def test_what_has_ended_makes_room_again(alone: Alone) -> None:
    posted = alone.post(IDLE)
    alone.tell(posted)
    for command_id in posted:
        alone.relay.ended(command_id)
    alone.crew.run("update commands set state = 'done', finished_at = now()")
    alone.tell(alone.post())
    assert alone.messages() == IDLE + 1
    assert alone.crew.commands("published") == 0


def test_where_there_is_another_relay_each_looks(alone: Alone) -> None:
    alone.lives("there")
    alone.now += relay.LOOK_SECONDS + 0.1
    alone.relay._round()
    alone.tell(alone.post())
    assert (alone.messages(), alone.crew.commands("published")) == (1, 1)


def test_behind_a_backlog_urgent_work_goes_before_what_is_told_of(alone: Alone) -> None:
    backlog = alone.post(WINDOW + 2)
    alone.tell([], look=True)
    alone.crew.run("update commands set state = 'done', finished_at = now() where state = 'published'")
    for command_id in backlog[:WINDOW]:
        alone.relay.ended(command_id)
    alone.crew.run("update commands set priority = 9 where command_id = %s", backlog[-1])
    alone.tell(alone.post())
    assert backlog[-1] not in alone.ready()


def test_a_message_that_was_lost_is_taken_after_a_while(alone: Alone) -> None:
    alone.tell(alone.post())
    alone.now += FORGET_SECONDS + 0.1
    alone.relay._round()
    assert (alone.messages(), alone.crew.commands("published")) == (2, 1)


def test_while_commands_are_told_of_it_still_looks_for_those_that_are_not(alone: Alone) -> None:
    alone.post()
    alone.now += relay.POLL_SECONDS + 0.1
    alone.tell(alone.post())
    assert alone.crew.commands("published") == 2


def test_what_the_broker_does_not_take_stays_ready_and_is_taken_later(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "BROKER_PAUSE", 0.0)
    posted = alone.post()
    with monkeypatch.context() as patched:
        patched.setattr(relay, "publish", lambda _, messages: messages)
        alone.tell(posted)
    assert (alone.messages(), alone.ready()) == (0, posted)
    alone.relay.wake()
    alone.relay._round()
    assert (alone.messages(), alone.crew.commands("published")) == (1, 1)


def test_a_post_far_ahead_of_its_authors_share_is_looked_for(embedded_crew: Crew) -> None:
    told = list[tuple[list[Due], bool]]()

    def wake(_: object, *, commands: bool, due: list[Due]) -> None:
        told.append((due, commands))

    embedded_crew.store.notifier.wake = wake  # type: ignore[method-assign,assignment]
    for _ in range(FAR + 10):
        embedded_crew.start()
    assert [bool(due) for due, _ in told] == [not look for _, look in told]
    assert (told[0][1], told[-1][1]) == (False, True)


def test_what_was_handed_out_is_forgotten_after_a_while_unless_it_runs_here() -> None:
    now = 0.0
    out = Handed(clock=lambda: now)
    out.add([1, 2], marked=False)
    out.claimed(2)
    now = FORGET_SECONDS / 2
    out.add([3], marked=True)
    out.add([4], marked=False)
    out.drop(4, 5)
    assert (len(out), out.unmarked()) == (3, [1])
    now = FORGET_SECONDS + 0.1
    assert (len(out), out.unmarked()) == (2, [])


def test_what_runs_here_counts_whoever_handed_it_out() -> None:
    out = Handed()
    out.claimed(1)
    assert (len(out), out.unmarked()) == (1, [])
    out.drop(1)
    assert len(out) == 0


def test_what_others_run_does_not_pile_up(alone: Alone) -> None:
    alone.lives("there")
    for _ in range(3):
        alone.now += FORGET_SECONDS + 0.1
        alone.post(WINDOW)
        alone.tell([], look=True)
        alone.crew.run("update commands set state = 'done', finished_at = now()")
    assert alone.messages() > WINDOW
    assert len(alone.relay._handed._out) <= WINDOW


def test_what_is_taken_away_from_a_run_that_hangs_is_handed_out_again(alone: Alone) -> None:
    (posted,) = alone.post()
    alone.tell([posted])
    alone.relay.claimed(posted)  # and hangs; its lease runs out, and upkeep makes it ready again
    alone.tell([], look=True)
    assert (alone.messages(), alone.crew.commands("published")) == (2, 1)


def test_behind_a_full_window_nothing_is_handed_on_however_long_it_is_full(alone: Alone) -> None:
    alone.post(WINDOW + 1)
    alone.tell([], look=True)
    alone.crew.run("update commands set published_at = now()")
    alone.now += FORGET_SECONDS + 0.1
    alone.relay._round()  # there is no room: it takes nothing
    alone.tell(alone.post())
    assert alone.messages() == WINDOW


def test_who_does_not_work_hands_nothing_on(alone: Alone) -> None:
    alone.relay.works(0, Room(0))
    alone.tell(alone.post())
    assert (alone.messages(), alone.crew.commands("published")) == (1, 1)


def test_an_empty_word_is_a_reason_to_look() -> None:
    assert called([], look=True) == LOOK


def test_a_poll_looks_for_what_is_due_only_where_there_is_something(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, take = [], outbox.take

    def taking(*args: Any, **named: Any) -> Any:
        looks.append(len(alone.ready()))
        return take(*args, **named)

    monkeypatch.setattr(outbox, "take", taking)
    for posted in (0, 1):
        alone.post(posted)
        alone.relay._round()
    assert looks == [1]
    assert alone.messages() == 1
