"""What is one statement is done without a thread: an event loop waits for Postgres by itself, on a line of its own."""

import asyncio
import select
from collections.abc import Callable
from contextlib import suppress
from math import inf
from time import monotonic
from typing import Any, NoReturn, TypeVar, cast

import psycopg
from psycopg import waiting
from psycopg.abc import PQGen
from psycopg.errors import DivisionByZero
from psycopg.pq import TransactionStatus

from hitl import failpoints
from hitl.store.lines import INTERVAL, Mute
from hitl.store.pool import NOTICED, SESSION, configured
from hitl.store.postgres import OUTDATED, TROUBLE, DictRow, Store, Tx
from hitl.store.riders import Write, together

T = TypeVar("T")
BEGIN_SECONDS = 2.0
RETRY_SECONDS = 1.0  # after a line could not be opened


class Elsewhere(Exception):
    """A thread is to do this: it takes more than one statement, or no line is at hand."""


class Draft(Tx):
    """A statement that is its own transaction, put together without a line; whatever takes more is for elsewhere."""

    def __init__(self, memory: dict[Any, Any]) -> None:
        super().__init__(cast(Any, None), memory=memory, alone=True)
        self.statement: Write | None = None
        self.heard: Callable[[DictRow], None]

    def execute(self, sql: str, params: Any = None, *, anew: bool = False) -> NoReturn:
        """Nothing is looked at here."""
        raise Elsewhere()

    def whole(self) -> None:
        """Refuse what would be lost: a write that was left to ride along with a statement that never came."""
        if self._riders and self.statement is not None:
            raise RuntimeError("what rides along comes before its statement")

    def end(self, sql: str, params: Any, heard: Callable[[DictRow], None]) -> bool:
        """Note the statement, with all that rides along; its row is taken for granted until there is none."""
        if self.statement is not None:
            raise RuntimeError("two statements that write need a transaction")
        riders, self._riders = self._riders, []
        self.statement = together(riders, sql, params) if riders else Write(sql, params)
        self.heard = heard
        return True


class Quick(psycopg.AsyncConnection[DictRow]):
    """A line that an event loop waits at; one whose deadline goes by meanwhile is closed."""

    deadline = 0.0
    _answers: psycopg.AsyncCursor[DictRow]

    async def begin(self) -> None:
        """Set up what is not said when a line is opened."""
        configured(self)
        self._answers, self._idle = self.cursor(), select.poll()
        self._idle.register(self.pgconn.socket, select.POLLIN)
        self.deadline = monotonic() + BEGIN_SECONDS
        with suppress(psycopg.errors.InvalidParameterValue):  # not every system can look
            await self._answers.execute(NOTICED)

    async def first(self, statement: Write, deadline: float) -> DictRow | None:
        """The first row of an answer that is there before the deadline, on the monotonic clock."""
        self.deadline = deadline
        await self._answers.execute(statement.sql, statement.params)
        return await self._answers.fetchone()

    @property
    def alive(self) -> bool:
        """Whether it can be used; what an idle line has to say is that it was hung up."""
        return not self.closed and not self._idle.poll(0)

    async def wait(self, gen: PQGen[T], interval: float = INTERVAL, timeout: float | None = None) -> T:  # noqa: ASYNC109
        """Everything that Postgres is asked comes through here."""
        if not self.deadline:
            return await super().wait(gen, interval, timeout)
        if (left := self.deadline - monotonic()) > 0:
            try:
                return await waiting.wait_async(gen, self.pgconn.socket, left, left)
            except psycopg.OperationalError:
                if monotonic() < self.deadline:
                    raise
        await self.close()
        raise Mute("no answer until the deadline")


class AtHand:
    """One such line, opened when it is first missed: nobody waits for it.

    Who finds it in use is for a thread. All on the loop would cost a busy desk less, but a thread gets no more than its
    share of the cores, and the loop would come late to all else.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._free: Quick | None = None
        self._there = False  # a line: free, in use or being opened
        self._opening: asyncio.Task[None] | None = None
        self._again_at = inf  # not before there is a loop that will close it

    def open(self) -> None:
        """Have a line from now on, when one is missed."""
        self._again_at = 0.0

    async def attempt(self, work: Callable[[Tx], T | None], deadline: float) -> T | None:
        """Do what is one statement; None, and nothing done, when it takes more or what it stands on is not so any more.

        Elsewhere when a thread is to find out.
        """
        if self._free is None or failpoints.armed():
            self._miss()
            raise Elsewhere()
        draft = Draft(self._store.memory)
        found = work(draft)
        draft.whole()
        if found is None or draft.statement is None:
            return None
        with suppress(DivisionByZero):  # see `proving`
            if row := await self.first(draft.statement, deadline):
                draft.heard(row)
                asyncio.get_running_loop().call_soon(self._store.committed, draft)  # behind the answer
                return found
        return None

    async def first(self, statement: Write, deadline: float) -> DictRow | None:
        """The first row of the statement's answer; Elsewhere when the line is not at hand."""
        line = await self._taken()
        try:
            return await line.first(statement, deadline)
        except TROUBLE as error:
            if isinstance(error, OUTDATED):
                await line.close()  # and so do all its other statements on these tables
            raise self._store.trouble(error) from error
        finally:
            if line.pgconn.transaction_status == TransactionStatus.IDLE and self._again_at < inf:
                self._free = line
            else:  # gone, or left in the midst of it, or not needed any more
                await self._drop(line)

    async def close(self) -> None:
        """Hang up, also what is just being opened: broken off, that would leave half a line behind."""
        self._again_at = inf
        if self._opening:
            await asyncio.wait([self._opening])  # whatever became of it
        if self._free:
            line, self._free = self._free, None
            await self._drop(line)

    async def _taken(self) -> Quick:
        line, self._free = self._free, None
        if line and line.alive:
            return line
        if line:
            await self._drop(line)
        self._miss()
        raise Elsewhere()

    async def _drop(self, line: Quick) -> None:
        self._there = False
        await line.close()

    def _miss(self) -> None:
        if not self._there and monotonic() >= self._again_at:
            self._there = True
            self._opening = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        try:
            line = await Quick.connect(self._store.url, **SESSION)
            try:
                await line.begin()
            except BaseException:
                await line.close()
                raise
            self._free = line
        except (psycopg.Error, OSError):
            pass  # threads do it meanwhile, and tell what is wrong
        finally:
            if self._free is None:
                self._there = False
                self._again_at = max(self._again_at, monotonic() + RETRY_SECONDS)
