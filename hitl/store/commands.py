"""Rows of `commands`: claimed under a lease with an epoch, published by relays, finished once."""

from collections.abc import Sequence
from typing import Any

from hitl.domain.cases import Case
from hitl.domain.commands import LEASE_SECONDS, Command
from hitl.errors import Fenced
from hitl.store.postgres import DictRow, Tx

CLAIMED = """command_id, tenant_id, case_id, kind, graph, graph_version, ref, epoch, attempts, postponed_since,
    coalesce(extract(epoch from now() - postponed_since), 0)::float8 as postponed_for"""
# A message may be lost with its broker: after this long without a claim it is published again, ever more seldom.
SERVED = "graph || '@' || graph_version = any(%(serves)s)"
REPUBLISH = "least(5 * (1 << least(publishes, 5)), 120) * interval '1 second'"


def follow(tx: Tx, case: Case, kind: str, ref: str | None) -> None:
    """Write down what must happen next to a case, in the transaction that makes it necessary."""
    tx.execute(
        """insert into commands (tenant_id, case_id, kind, graph, graph_version, ref, priority)
        values (%s, %s, %s, %s, %s, %s, %s)""",
        (case.tenant_id, case.case_id, kind, case.graph, case.graph_version, ref, case.priority),
    )
    tx.commands = True


def take(tx: Tx, *, window: int, share: int, relay: str, serves: Sequence[str]) -> list[tuple[int, str]]:
    """Mark the most urgent, oldest ready commands as published, as far as the window has room; (id, kind) in order.

    The window is all relays' together; a relay keeps to its share of it, so that several at once do not overfill it.
    Commands of graph versions that no living worker serves stay out of the window: they would clog it.
    """
    rows = tx.all(
        f"""with busy as (
            select count(*) as n, count(*) filter (where owner = %(relay)s) as own
            from commands where state = 'published' and {SERVED}),
        fresh as (
            select command_id from commands where state = 'ready' and available_at <= now() and {SERVED}
            order by priority desc, command_id
            limit (select greatest(least(%(window)s - n, %(share)s - own), 0) from busy) for update skip locked),
        unheard as (
            select command_id from commands
            where state = 'published' and published_at <= now() - {REPUBLISH} and {SERVED}
            order by published_at limit %(window)s for update skip locked),
        marked as (
            update commands c set state = 'published', published_at = now(), publishes = publishes + 1,
                   owner = %(relay)s
            from (select command_id from fresh union all select command_id from unheard) due
            where c.command_id = due.command_id returning c.command_id, c.priority, c.kind)
        select command_id, kind from marked order by priority desc, command_id""",
        {"window": window, "share": share, "relay": relay, "serves": list(serves)},
    )
    return [(r["command_id"], r["kind"]) for r in rows]


def unpublish(tx: Tx, command_ids: Sequence[int]) -> None:
    """The broker did not take these: they are ready again."""
    tx.execute(
        """update commands set state = 'ready', owner = null, publishes = publishes - 1
        where command_id = any(%s) and state = 'published'""",
        (list(command_ids),),
    )


def claim(tx: Tx, command_id: int, *, owner: str, serves: Sequence[str]) -> Command | None:
    """Take the lease; None when the command is finished, leased, not due, or of a graph version not served here.

    Nor while another command of the case is being carried out: both might undo the same action. The case row is locked.
    """
    row = tx.one(
        f"""update commands set state = 'claimed', owner = %(owner)s, epoch = epoch + 1, attempts = attempts + 1,
            lost = lost + (state = 'claimed')::int, lease_until = now() + make_interval(secs => %(lease)s)
        where command_id = %(id)s and (state in ('ready', 'published') or (state = 'claimed' and lease_until < now()))
          and available_at <= now() and graph || '@' || graph_version = any(%(serves)s)
          and not exists (select 1 from commands other where other.case_id = commands.case_id
                          and other.command_id <> %(id)s and other.state = 'claimed' and other.lease_until >= now())
        returning {CLAIMED}""",
        {"id": command_id, "owner": owner, "lease": LEASE_SECONDS, "serves": list(serves)},
    )
    return Command(**row) if row else None


def hold(tx: Tx, command: Command) -> None:
    """Prove, until this transaction ends, that the run still holds its lease; Fenced when it does not."""
    if not tx.one(HOLD, {"id": command.command_id, "epoch": command.epoch}):
        raise Fenced()


HOLD = """select 1 as held from commands where command_id = %(id)s and epoch = %(epoch)s and state = 'claimed'
    and lease_until > clock_timestamp() for no key update"""


def renew(tx: Tx, owner: str, command_ids: Sequence[int]) -> None:
    """Prolong the leases of work that is still alive; one that has expired is not brought back."""
    tx.execute("set local synchronous_commit = off")  # a lost renewal costs a repeat, never a decision
    tx.execute(
        """update commands set lease_until = now() + make_interval(secs => %s)
        where command_id = any(%s) and owner = %s and state = 'claimed' and lease_until > now()""",
        (LEASE_SECONDS, list(command_ids), owner),
    )


def finish(tx: Tx, command: Command, result: str, *, failed: bool = False) -> None:
    """The command is done, under its epoch."""
    row = tx.one(
        """update commands set state = %(state)s, finished_at = now(), result = %(result)s
        where command_id = %(id)s and epoch = %(epoch)s and state = 'claimed' and lease_until > clock_timestamp()
        returning 1 as ok""",
        {
            "id": command.command_id,
            "epoch": command.epoch,
            "result": result,
            "state": "failed" if failed else "done",
        },
    )
    if row is None:
        raise Fenced()


def put_back(tx: Tx, command: Command, *, delay: float, counted: bool, postponed: bool = False) -> None:
    """Give the lease up: the command is due again after `delay` seconds; a postponement is not counted."""
    tx.execute(
        """update commands set state = 'ready', owner = null, lease_until = null, publishes = 0, lost = 0,
            available_at = now() + make_interval(secs => %(delay)s),
            attempts = attempts - %(uncounted)s,
            postponed_since = case when %(postponed)s then coalesce(postponed_since, now()) else postponed_since end
        where command_id = %(id)s and epoch = %(epoch)s and state = 'claimed'""",
        {
            "id": command.command_id,
            "epoch": command.epoch,
            "delay": delay,
            "uncounted": 0 if counted else 1,
            "postponed": postponed,
        },
    )
    tx.commands = True


def cancel(tx: Tx, case_id: str, result: str) -> None:
    """End whatever command moves the case; a run under way is fenced off by this."""
    tx.execute(
        """update commands set state = 'done', finished_at = now(), result = %s
        where case_id = %s and state in ('ready', 'published', 'claimed') and kind <> 'settle'""",
        (result, case_id),
    )


def last(tx: Tx, case_id: str) -> DictRow | None:
    """The newest command that moved the case."""
    return tx.one(
        "select * from commands where case_id = %s and kind <> 'settle' order by command_id desc limit 1", (case_id,)
    )


def expired(tx: Tx, limit: int) -> list[DictRow]:
    """Claimed commands whose lease has run out: their workers are gone or stalled. Not locked."""
    return tx.all(
        """select command_id, case_id from commands where state = 'claimed' and lease_until < now()
        order by lease_until limit %s""",
        (limit,),
    )


def lock_expired(tx: Tx, command_id: int) -> Command | None:
    """The command, locked, if its lease has still run out. The case row is to be locked before."""
    row = tx.one(
        f"""select {CLAIMED} from commands where command_id = %s and state = 'claimed' and lease_until < now()
        for update""",
        (command_id,),
    )
    return Command(**row) if row else None


def case_of(tx: Tx, command_id: int) -> DictRow | None:
    """Which case a command moves, how, and how many runs in a row were lost: read before the case row is locked."""
    return tx.one("select case_id, kind, lost from commands where command_id = %s", (command_id,))


def give_up(tx: Tx, command_id: int, result: str) -> None:
    """An orphaned command has been tried often enough."""
    tx.execute(
        "update commands set state = 'failed', finished_at = now(), result = %s where command_id = %s",
        (result, command_id),
    )


def make_ready(tx: Tx, command_id: int, *, delay: float) -> None:
    """An orphaned command is due again after `delay` seconds."""
    tx.execute(
        """update commands set state = 'ready', owner = null, lease_until = null, lost = lost + 1,
            available_at = now() + make_interval(secs => %s) where command_id = %s""",
        (delay, command_id),
    )
    tx.commands = True


def release(tx: Tx, owner: str) -> int:
    """A process is known to be dead ("": all are): what it had claimed or published is due again at once. How many."""
    tx.commands = True
    return tx.execute(
        """update commands set state = 'ready', owner = null, lease_until = null,
            lost = lost + (state = 'claimed')::int
        where state in ('published', 'claimed') and (%(owner)s = '' or owner = %(owner)s)""",
        {"owner": owner},
    ).rowcount


def counts(tx: Tx) -> dict[str, Any]:
    """For operators: how many commands wait, how long the oldest has, and unfinished starts."""
    return (
        tx.one(
            """select count(*) as waiting, count(*) filter (where kind = 'start') as starts,
            coalesce(extract(epoch from now() - min(available_at)), 0)::float8 as oldest_seconds
        from commands where state in ('ready', 'published') and available_at <= now()"""
        )
        or {}
    )


def starts_waiting(tx: Tx, limit: int) -> int:
    """How many starts are unfinished; counted no further than the limit."""
    row = tx.one(
        """select count(*) as n from (select 1 from commands
        where kind = 'start' and state in ('ready', 'published', 'claimed') limit %s) c""",
        (limit,),
    )
    return int(row["n"]) if row else 0
