"""A private Postgres, and a fresh migrated database for each test, cloned from a template."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from hitl.store.embedded import EmbeddedPostgres
from hitl.store.migrate import migrate
from tests.services.folders import throwaway

# A kill -9 of Postgres loses nothing without fsync, a power cut would: tests never cut the power.
FAST = {"fsync": "off", "full_page_writes": "off", "autovacuum_naptime": "1h"}


@contextmanager
def private_postgres(folder: Path | None = None) -> Iterator[EmbeddedPostgres]:
    """One that is gone afterwards; in `folder`, or in a directory of its own."""
    with throwaway("postgres") as own, EmbeddedPostgres(folder or own, settings=FAST) as postgres:
        yield postgres


class Databases:
    """Makes databases on one server; `template` has been migrated once."""

    def __init__(self, server_url: str) -> None:
        self._server = server_url
        self._numbers = itertools.count(1)
        self._template = self._create("template0")
        migrate(self._url(self._template))

    @contextmanager
    def fresh(self, *, migrated: bool = True) -> Iterator[str]:
        """The URL of a new database, dropped afterwards whoever is still connected to it."""
        name = self._create(self._template if migrated else "template0")
        try:
            yield self._url(name)
        finally:
            self._run(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

    def _create(self, template: str) -> str:
        name = f"test_{next(self._numbers)}"
        self._run(sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(statement)

    def _url(self, name: str) -> str:
        return urlsplit(self._server)._replace(path=f"/{name}").geturl()
