"""How every session with Postgres is set up, and the pool of them."""

from contextlib import suppress
from typing import Any

import orjson
import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.rows import dict_row
from psycopg.types.json import set_json_dumps, set_json_loads

from hitl.store.lines import Line, Pool
from hitl.store.notify import VIGILANT

POOL_TIMEOUT = 2.0  # seconds until a caller is told that Postgres is gone
# Who hangs up does not wait for what it asked; without this, neither does Postgres notice before it has done it.
NOTICED = "set client_connection_check_interval = '500ms'"
# Each statement is prepared when a connection first sends it, and planned once. Left to themselves, psycopg prepares at
# the sixth time and Postgres plans six times more: with connections enough that is most of what a short life costs.
OPTIONS = (
    "-c timezone=UTC -c client_encoding=UTF8 -c statement_timeout=30s -c idle_in_transaction_session_timeout=10s"
    " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off"
)
PREPARED = 200  # statements kept per connection: more than there are, or they would push each other out


def _dumps(value: Any) -> bytes:
    return orjson.dumps(value)


set_json_dumps(_dumps)
set_json_loads(orjson.loads)


class _UuidText(Loader):
    """Ids are text everywhere outside the database."""

    def load(self, data: Buffer) -> str:
        return bytes(data).decode()


SESSION: dict[str, Any] = {
    "autocommit": True,
    "row_factory": dict_row,
    **VIGILANT,
    "prepare_threshold": 0,
    "options": OPTIONS,
}


def configured(conn: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> None:
    """Set up what is not said when a line is opened."""
    conn.adapters.register_loader("uuid", _UuidText)
    conn.prepared_max = PREPARED


def _configure(conn: psycopg.Connection[Any]) -> None:
    configured(conn)
    with suppress(psycopg.errors.InvalidParameterValue):  # not every system can look
        conn.execute(NOTICED)


def open_pool(url: str, *, size: int) -> Pool:
    """A pool that heals by itself; times are UTC and no statement hangs for ever."""
    return Pool(
        url,
        connection_class=Line,
        min_size=1,
        max_size=size,
        open=True,
        timeout=POOL_TIMEOUT,
        reconnect_timeout=5.0,
        check=None,
        configure=_configure,
        kwargs=SESSION,
    )
