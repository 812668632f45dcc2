"""The embedded forum's tables: the state of posts and authors, the keys already used, the authors' inboxes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any, Literal

import psycopg

from hitl.errors import Invalid, Unavailable
from hitl.store.postgres import Jsonb, Store, Tx

# All that an action is, in one statement; no row when its key was used before. It names only the tables that it
# writes to, since opening one costs as much as a row in it.
DONE = """with done as (
    insert into forum_actions (tenant_id, key, action_id, kind, target, direction, params, after)
    values (%(tenant)s, %(key)s, %(action_id)s, %(kind)s, %(target)s, %(direction)s, %(params)s, {after})
    on conflict do nothing returning number, action_id, kind, target, direction, params, after)"""
CHANGED = """changed as (
    insert into forum_aspects (tenant_id, target, aspect, value)
    select %(tenant)s, target, %(aspect)s, after from done
    on conflict (tenant_id, target, aspect) do update set value = excluded.value, changed_at = now())"""
CLEARED = """cleared as (
    delete from forum_aspects a using done where a.tenant_id = %(tenant)s and a.target = done.target
        and a.aspect = %(aspect)s)"""
TOLD = """told as (
    insert into forum_messages (tenant_id, target, kind, about, key, params)
    select %(tenant)s, target, %(message)s, %(about)s, %(key)s, params from done)"""
DATED = """%(after)s::jsonb || jsonb_build_object('until',
        to_char((now() + make_interval(days => %(days)s)) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))"""


@cache
def _doing(*, shown: Literal["kept", "changed", "cleared"], dated: bool, told: bool) -> str:
    """The statement, by what becomes of the aspect, whether its value has an end, and whether the author is told."""
    parts = [DONE.format(after=DATED if dated else "%(after)s")]
    if shown != "kept":
        parts.append(CHANGED if shown == "changed" else CLEARED)
    return ",\n".join([*parts, TOLD] if told else parts) + "\nselect * from done"


class Forum:
    """A demo forum inside Guardian's own database; raises Unavailable, or Invalid for what Postgres cannot hold."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def state(self, tenant: str, target: str) -> tuple[dict[str, Any], datetime]:
        """The target's aspects with their values, and the database's time of reading."""
        with self._transaction() as tx:
            row = tx.all(
                """select now() as now, (select jsonb_object_agg(aspect, value) from forum_aspects
                    where tenant_id = %s and target = %s) as aspects""",
                (tenant, target),
            )[0]
        return row["aspects"] or {}, row["now"]

    def states(self, tenant: str, targets: list[str]) -> dict[str, dict[str, Any]]:
        """The states of many targets in one query; a target that nothing was done to has an empty one."""
        found: dict[str, dict[str, Any]] = {target: {} for target in targets}
        with self._transaction() as tx:
            for row in tx.all(
                "select target, aspect, value from forum_aspects where tenant_id = %s and target = any(%s)",
                (tenant, targets),
            ):
                found[row["target"]][row["aspect"]] = row["value"]
        return found

    def inbox(self, tenant: str, target: str, limit: int = 50) -> list[dict[str, Any]]:
        """What the author was told, newest first: message_id, kind, about (an action_id), params, at."""
        with self._transaction() as tx:
            return tx.all(
                "select message_id, kind, about, params, at from forum_messages"
                " where tenant_id = %s and target = %s order by message_id desc limit %s",
                (tenant, target, limit),
            )

    def done(self, tenant: str, key: str) -> dict[str, Any] | None:
        """What was done under that key: number, action_id, kind, target, direction, params, after."""
        with self._transaction() as tx:
            return _done(tx, tenant, key)

    def do(
        self,
        tenant: str,
        key: str,
        act: dict[str, Any],
        *,
        aspect: str | None,
        after: Any,
        days: int | None = None,
        message: str | None = None,
    ) -> dict[str, Any]:
        """Set the aspect to `after` (None: untouched) once per key, and return what was done under that key.

        `act` has action_id, kind, target, direction, params and about, the action that a message is about; with `days`
        the value gets an `until`, counted by the database's clock. A racer with the same key waits for the first.
        """
        values = {
            **act,
            "tenant": tenant,
            "key": key,
            "params": Jsonb(act["params"]),
            "aspect": aspect,
            "after": None if after is None else Jsonb(after),
            "days": days,
            "message": message,
        }
        doing = _doing(
            shown="kept" if aspect is None else "cleared" if after is None else "changed",
            dated=days is not None,
            told=message is not None,
        )
        with self._transaction() as tx:
            found = tx.one(doing, values) or _done(tx, tenant, key)
        if found is None:
            raise Unavailable("The forum lost an action that it had just recorded.")
        return found

    @contextmanager
    def _transaction(self) -> Iterator[Tx]:
        try:
            with self._store.statement() as tx:
                yield tx
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            raise Invalid("The forum cannot hold such a value.") from error
        except psycopg.Error as error:
            raise Unavailable("The forum's tables cannot be used.") from error


def _done(tx: Tx, tenant: str, key: str) -> dict[str, Any] | None:
    return tx.one(
        "select number, action_id, kind, target, direction, params, after from forum_actions"
        " where tenant_id = %s and key = %s",
        (tenant, key),
    )
