"""The official Postgres saver, fenced: a write counts only while its run holds the lease, and it moves the head.

Without this a stalled worker's late write, or one of a worker with a fast clock, becomes the newest checkpoint and a
review vanishes. Reads start at the head; the chain of parents and everything else is LangGraph's own.
"""

import inspect
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.postgres import PostgresSaver
from psycopg import Connection, Cursor
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from hitl import failpoints
from hitl.domain.commands import Command
from hitl.errors import Fenced
from hitl.store.carried import Carried
from hitl.store.commands import HOLD
from hitl.store.maintenance import clear_checkpoints
from hitl.store.postgres import Jsonb, Tx

DIGITS = 8
WHOLE = 4  # of the format in which a checkpoint is all there is to read
Method = TypeVar("Method", bound=Callable[..., Any])
MOVE_HEAD = """insert into checkpoint_heads (tenant_id, thread_id, checkpoint_ns, checkpoint_id, state)
    values (%s, %s, %s, %s, %s) on conflict (thread_id, checkpoint_ns) do update
        set checkpoint_id = excluded.checkpoint_id, state = excluded.state"""
# A checkpoint as the saver reads it, by the thread and the id of its head.
READ = PostgresSaver.SELECT_SQL + "where thread_id = {thread} and checkpoint_ns = '' and checkpoint_id = {head}"
TELL_HEAD = "update checkpoint_heads set state = %s where thread_id = %s and checkpoint_ns = ''"


def _described_once(function: Method) -> Method:
    """LangGraph looks at this function's signature at the beginning of every run: it finds one made before."""
    function.__dict__["__signature__"] = inspect.signature(function)
    return function


class _Run:
    """Which run may write; a cell of its own, since LangGraph works with shallow copies of a saver (strict msgpack)."""

    command: Command | None = None
    later: Carried | None = None
    brought: DictRow | None = None


class FencedSaver(PostgresSaver):
    """One per worker thread (the saver's own lock serializes); `command` is the run that may write.

    While there is no such run nothing is written: LangGraph may still be storing a checkpoint in a thread of its own
    when a run was broken off (by a time limit, say). `fenced=False` is for maintenance, which is nobody's run.
    """

    def __init__(self, pool: ConnectionPool[Connection[DictRow]], *, fenced: bool = True) -> None:
        super().__init__(pool)
        self._run = _Run()
        self._fenced = fenced
        self._pool = pool
        self._writing = threading.local()  # LangGraph writes from threads of its own
        self._copies: dict[tuple[int, frozenset[tuple[str, ...]]], BaseCheckpointSaver[str]] = {}

    @property
    def command(self) -> Command | None:
        """The run that may write, for this saver and every copy of it."""
        return self._run.command

    @command.setter
    def command(self, run: Command | None) -> None:
        self._run.command, self._run.later, self._run.brought = run, None, None

    def carry(self, run: Command) -> None:
        """Like setting `command`, but what is put is kept until `write`: for graphs that are stored when they exit.

        Then a checkpoint and the rows that follow from it are one commit, and what a run that breaks off put is void.
        """
        self._run.command, self._run.later, self._run.brought = run, Carried(), run.seen.checkpoint

    @property
    def rides(self) -> bool:
        """Whether `write` leaves all that was kept to the next statement."""
        later = self._run.later
        return later is not None and later.once and not later.heads.keys() - {""}

    def write(self, tx: Tx, state: dict[str, Any]) -> None:
        """Write what was kept, and where the graph stands now, with the next statement of who proves the lease."""
        run, later = self.command, self._run.later
        if run is None:
            raise Fenced()
        heads = later.write(tx) if later else {}
        own = heads.pop("", None)
        if own:
            tx.along(MOVE_HEAD, (run.tenant_id, *own, Jsonb(state)))
        else:
            tx.along(TELL_HEAD, (Jsonb(state), run.case_id))
        for head in heads.values():
            tx.along(MOVE_HEAD, (run.tenant_id, *head, None))
        failpoints.hit("before_commit:checkpoint")

    def with_allowlist(self, extra_allowlist: Collection[tuple[str, ...]]) -> BaseCheckpointSaver[str]:
        """The shallow copy that LangGraph works with (strict msgpack): asked for at each run's beginning, made once."""
        asked = (id(self.serde), frozenset(extra_allowlist))
        if asked not in self._copies:
            self._copies[asked] = super().with_allowlist(extra_allowlist)
        return self._copies[asked]

    def get_next_version(self, current: str | None, channel: None) -> str:
        """A channel's next version, compared as text: LangGraph's own without the random end, which made up most of a
        checkpoint. That keeps apart runs that go on from one checkpoint; here only one can: heads move under a lease.
        """
        if current and len(current) > DIGITS:  # of a thread that began with LangGraph's own
            return super().get_next_version(current, channel)
        return f"{int(current or 0) + 1:0{DIGITS}}"

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The checkpoint at the head, or the one that the config names."""
        asked = config["configurable"]
        if asked.get("checkpoint_id"):
            return super().get_tuple(config)
        if brought := self._brought(asked):
            return self._load_checkpoint_tuple(brought)
        head = self._head(asked["thread_id"], asked.get("checkpoint_ns", ""))
        if head is None:
            return None
        return super().get_tuple({**config, "configurable": {**asked, "checkpoint_id": head}})

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Store a checkpoint and move the head to it, in one fenced transaction."""
        asked = config["configurable"]
        self._writing.thread = str(asked["thread_id"])
        self._writing.head = (asked["thread_id"], asked.get("checkpoint_ns", ""), checkpoint["id"])
        try:
            return super().put(config, checkpoint, metadata, new_versions)
        finally:
            self._writing.head = None

    @_described_once
    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Store a task's writes, fenced."""
        self._writing.thread, self._writing.head = str(config["configurable"]["thread_id"]), None
        super().put_writes(config, writes, task_id, task_path)

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Keep of each thread only what its heads need (`keep_latest`), or nothing (`delete`).

        LangGraph's own would keep the greatest id, which need not be the head.
        """
        for thread_id in thread_ids:
            if strategy == "delete":
                self.delete_thread(thread_id)
                continue
            with self._pool.connection() as conn, conn.transaction():
                clear_checkpoints(Tx(conn), [str(thread_id)])

    def delete_thread(self, thread_id: str) -> None:
        """Forget a thread, its heads too."""
        self._writing.thread, self._writing.head = str(thread_id), None
        super().delete_thread(thread_id)
        with self._pool.connection() as conn:
            conn.execute("delete from checkpoint_heads where thread_id = %s", (str(thread_id),))

    def _brought(self, asked: dict[str, Any]) -> DictRow | None:
        """What the run's claim has brought along, once: LangGraph may change what it has read."""
        brought, self._run.brought = self._run.brought, None
        if brought is None or asked.get("checkpoint_ns", "") or brought["thread_id"] != str(asked["thread_id"]):
            return None
        return None if brought["checkpoint"]["v"] < WHOLE else brought

    def _head(self, thread_id: str, namespace: str) -> str | None:
        run = self._run
        if run.later is not None and run.command is not None and namespace == "":
            return run.command.seen.head  # had another moved it, nothing that is put here would be written
        with self._pool.connection() as conn:
            row = conn.execute(
                "select checkpoint_id from checkpoint_heads where thread_id = %s and checkpoint_ns = %s",
                (str(thread_id), namespace),
            ).fetchone()
        return str(row["checkpoint_id"]) if row else None

    @contextmanager
    def _cursor(self, *, pipeline: bool = False) -> Iterator[Cursor[DictRow]]:
        if not pipeline:  # a read
            with super()._cursor() as cursor:
                yield cursor
            return
        head, later = getattr(self._writing, "head", None), self._run.later
        if later is not None:
            self._is_ours(self._writing.thread)
            yield later  # type: ignore[misc]
            if head:
                later.heads[head[1]] = head
            return
        with self._pool.connection() as conn, conn.transaction():
            self._fence(conn)
            with conn.pipeline(), conn.cursor(binary=True) as cursor:
                yield cursor
                if head:
                    tenant = self.command.tenant_id if self.command else "default"
                    cursor.execute(MOVE_HEAD, (tenant, *head, None))
            failpoints.hit("before_commit:checkpoint")
        failpoints.hit("after_commit:checkpoint")

    def _is_ours(self, thread_id: str | None) -> Command:
        run = self.command
        if run is None or run.case_id != thread_id:
            raise Fenced()
        return run

    def _fence(self, conn: Connection[DictRow]) -> None:
        if not self._fenced:
            return
        run = self._is_ours(self._writing.thread)
        held = conn.execute(HOLD, {"id": run.command_id, "epoch": run.epoch}).fetchone()
        if held is None:
            raise Fenced()
