"""What was seen without a lock is proved by the statement that writes on its strength."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.errors import DivisionByZero

from hitl.store.postgres import Tx


class MovedOn(Exception):
    """What was seen is not so any more; nothing was written."""


@contextmanager
def proving(tx: Tx) -> Iterator[None]:
    """For the one statement that divides by zero if what was seen is not so any more; what waits rides along with it.

    It may be a transaction of its own: it comes first, and what rides along is done when it has answered.
    """
    tx.commits()
    try:
        yield
    except DivisionByZero as error:
        tx.changed, tx.commands = set(), False
        raise MovedOn() from error
