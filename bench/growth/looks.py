"""What is asked without a case's moving: by people, by the relay, by upkeep, by Prometheus."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

from bench.growth.core import MODERATOR, Core
from hitl.domain.cases import Status
from hitl.domain.people import Person
from hitl.operations import show, upkeep
from hitl.store import commands, events, numbers, outbox, reviews, views
from hitl.store.postgres import Tx

AUTHOR, BACKEND = Person("author-77", frozenset({"author"})), Person("backend-1", frozenset({"service"}))
STRANGER = Person("nobody-yet", frozenset({"author"}))
PAGE = 50
Look = Callable[[Tx], object]


@dataclass(frozen=True)
class Places:
    """Where a look begins: a case somewhere in the middle, and a cursor of the stream a while ago."""

    case_id: str
    cursor: str


def places(core: Core) -> Places:
    """Found once, so that the looks themselves do nothing else."""
    with core.store.statement() as tx:
        row = tx.one(
            """select e.case_id, e.tx::text || '.' || e.case_id || '.' || e.seq as cursor from events e
            where e.tx >= (select min(tx)::text::bigint + (max(tx)::text::bigint - min(tx)::text::bigint) / 2
                           from events)::text::xid8 order by e.tx limit 1"""
        )
    assert row is not None, "there are events"
    return Places(row["case_id"], row["cursor"])


def hot(at: Places) -> dict[str, Look]:
    """Asked by people and processes all the time; none may read a table that grows from end to end."""
    pages: dict[str, Look] = {f"cases?status={status}": _page(MODERATOR, status) for status in get_args(Status)}
    return {
        "status": lambda tx: show.status(tx, MODERATOR, at.case_id),
        "status, by its mark": lambda tx: show.mark(tx, MODERATOR, at.case_id),
        "case": lambda tx: show.whole(tx, MODERATOR, at.case_id),
        "cases": _page(MODERATOR, None),
        "cases, further on": lambda tx: show.page(tx, MODERATOR, status=None, limit=PAGE, cursor=at.case_id),
        **pages,
        "cases of an author": _page(AUTHOR, None),
        "cases of a new author": _page(STRANGER, None),
        "cases of a backend": _page(BACKEND, None),
        "cases of an author, failed": _page(AUTHOR, "failed"),
        "cases of an author, waiting": _page(AUTHOR, "waiting_review"),
        "cases of a backend, waiting": _page(BACKEND, "waiting_review"),
        "events of a case": lambda tx: show.history(tx, MODERATOR, at.case_id, after=0, limit=100),
        "events of all, live": lambda tx: show.stream(tx, MODERATOR, events.newest_tx(tx), 100),
        "events of all, resumed": lambda tx: show.stream(tx, MODERATOR, at.cursor, 100),
        "events of an author, live": lambda tx: show.stream(tx, AUTHOR, events.newest_tx(tx), 100),
        "forum": lambda tx: views.forum(tx, "default", PAGE),
        "backlog": lambda tx: commands.starts_waiting(tx, 50_000),
        "relay: a poll": outbox.waits,
        "upkeep: orphans": upkeep.orphans,
        "upkeep: unserved": upkeep.unserved,
        "upkeep: parked": upkeep.parked,
        "upkeep: answers": upkeep.forget_answers,
        "upkeep: long closed": upkeep.clear_long_closed,
        "metrics": numbers.numbers,
    }


def seldom(at: Places) -> dict[str, Look]:
    """Asked when people come and go, or by one author who resumes far behind."""
    return {
        "events of an author, resumed": lambda tx: show.stream(tx, AUTHOR, at.cursor, 100),
        "upkeep: reconsider, a batch": lambda tx: reviews.undecided(tx, None, 500),
    }


def _page(person: Person, status: str | None) -> Look:
    return lambda tx: show.page(tx, person, status=status, limit=PAGE, cursor=None)
