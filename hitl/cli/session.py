"""A command's connection to the database in use, as the operator at this machine."""

from collections.abc import Iterator
from contextlib import contextmanager

from hitl.cli import configuration
from hitl.domain.people import Person
from hitl.runtime import database_url
from hitl.store.postgres import Store

NAME = "cli"  # as it stands in events


def operator(tenant: str) -> Person:
    """Who acts when a command acts: whoever may read the database may do as an admin does."""
    return Person(NAME, frozenset({"admin"}), tenant)


@contextmanager
def opened() -> Iterator[Store]:
    """The store, closed afterwards."""
    store = Store(database_url(configuration.load()), size=1)
    try:
        yield store
    finally:
        store.close()
