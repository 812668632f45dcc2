"""The official Postgres saver, fenced: a write counts only while its run holds the lease, and it moves the head.

Without this a stalled worker's late write, or one of a worker with a fast clock, becomes the newest checkpoint and a
review vanishes. Reads start at the head; the chain of parents and everything else is LangGraph's own.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.postgres import PostgresSaver
from psycopg import Connection, Cursor
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from hitl import failpoints
from hitl.domain.commands import Command
from hitl.errors import Fenced
from hitl.store.commands import HOLD
from hitl.store.maintenance import clear_checkpoints
from hitl.store.postgres import Tx

MOVE_HEAD = """insert into checkpoint_heads (thread_id, checkpoint_ns, checkpoint_id) values (%s, %s, %s)
    on conflict (thread_id, checkpoint_ns) do update set checkpoint_id = excluded.checkpoint_id"""


class _Run:
    """Which run may write; a cell of its own, since LangGraph works with shallow copies of a saver (strict msgpack)."""

    command: Command | None = None


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

    @property
    def command(self) -> Command | None:
        """The run that may write, for this saver and every copy of it."""
        return self._run.command

    @command.setter
    def command(self, run: Command | None) -> None:
        self._run.command = run

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The checkpoint at the head, or the one that the config names."""
        asked = config["configurable"]
        if asked.get("checkpoint_id"):
            return super().get_tuple(config)
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
                clear_checkpoints(Tx(conn), str(thread_id))

    def delete_thread(self, thread_id: str) -> None:
        """Forget a thread, its heads too."""
        self._writing.thread, self._writing.head = str(thread_id), None
        super().delete_thread(thread_id)
        with self._pool.connection() as conn:
            conn.execute("delete from checkpoint_heads where thread_id = %s", (str(thread_id),))

    def _head(self, thread_id: str, namespace: str) -> str | None:
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
        with self._pool.connection() as conn, conn.transaction():
            self._fence(conn)
            with conn.pipeline(), conn.cursor(binary=True) as cursor:
                yield cursor
                head = getattr(self._writing, "head", None)
                if head:
                    cursor.execute(MOVE_HEAD, head)
            failpoints.hit("before_commit:checkpoint")
        failpoints.hit("after_commit:checkpoint")

    def _fence(self, conn: Connection[DictRow]) -> None:
        if not self._fenced:
            return
        run = self.command
        if run is None or run.case_id != self._writing.thread:
            raise Fenced()
        held = conn.execute(HOLD, {"id": run.command_id, "epoch": run.epoch}).fetchone()
        if held is None:
            raise Fenced()
