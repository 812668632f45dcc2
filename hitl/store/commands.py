"""Rows of `commands`: claimed under a lease with an epoch, renewed while their work lives, finished once."""

from collections.abc import Sequence
from typing import Any

from hitl.domain.cases import Case
from hitl.domain.commands import LEASE_SECONDS, Command
from hitl.errors import Fenced
from hitl.store import cases
from hitl.store.postgres import DictRow, Tx
from hitl.store.proof import proving

POSTPONED = """postponed_since,
    coalesce(extract(epoch from now() - postponed_since), 0)::float8 as postponed_for"""
CLAIMED = f"""command_id, tenant_id, commands.case_id, kind, graph, graph_version, ref, epoch, attempts, owner,
    {POSTPONED}"""
# A settling needs the ledger alone, and no graph.
SERVED = "(kind = 'settle' or graph || '@' || graph_version = any(%(serves)s))"
TAKEN = """owner = %(owner)s, epoch = epoch + 1, attempts = attempts + 1, lost = lost + (state = 'claimed')::int,
    published_at = coalesce(published_at, now())"""
CLAIM = f"state = 'claimed', lease_until = now() + make_interval(secs => %(lease)s), {TAKEN}"
LEASED = "c.epoch = %(epoch)s and c.state = 'claimed' and c.lease_until > clock_timestamp()"
UNCLAIMED = "c.epoch = %(epoch)s - 1 and c.state in ('ready', 'published')"
LOCKED = f"mine as materialized (select {cases.COLUMNS} from cases where case_id = %(case)s for update)"
# The case of a run, locked until the transaction ends, and whether the run holds its lease until then; a late one
# takes it now.
ENTER = f"""{LOCKED},
    held as (select 1 from commands c, mine where c.command_id = %(id)s and {LEASED} for no key update of c)"""
ENTER_LATE = f"""{LOCKED},
    held as (update commands c set {CLAIM} from mine where c.command_id = %(id)s and {UNCLAIMED} returning 1)"""
ENDED = "state = %(state)s, finished_at = now(), result = %(result)s"
FINISH = f"""with {LOCKED}, held as (
    update commands c set {ENDED} from mine where c.command_id = %(id)s and {LEASED} returning 1)"""
FINISH_LATE = f"""with {LOCKED}, held as (
    update commands c set {ENDED}, {TAKEN} from mine where c.command_id = %(id)s and {UNCLAIMED} returning 1)"""
# In this order: the case is locked, as everywhere before its commands; then the lease is looked at; then what rides
# along is written. A lease that is asked for in WHERE, or beside `mine` in FROM, might be looked at before the lock.
PROVEN = """select 1 / coalesce(
    (select (version = %(seen)s and exists (select 1 from held))::int from mine), 0) as still"""


def enter(tx: Tx, command: Command) -> Case:
    """The run's case, locked until this transaction ends, while the run holds its lease; Fenced when it does not."""
    row = tx.one(f"with {ENTER} select mine.*, exists (select 1 from held) as held from mine", of_run(command))
    return entered(row)


def entering(command: Command) -> str:
    """ENTER, or ENTER_LATE."""
    return ENTER_LATE if command.late else ENTER


def of_run(command: Command) -> dict[str, Any]:
    """The parameters of either."""
    run = {"case": command.case_id, "id": command.command_id, "epoch": command.epoch}
    return run | {"owner": command.owner, "lease": LEASE_SECONDS} if command.late else run


def proof(command: Command, case: Case) -> dict[str, Any]:
    """The parameters of PROVEN, for a case that was seen without a lock.

    What is claimed only now was free to be claimed as its run began to look; so nothing may have moved on since then.
    """
    begun = command.seen.case if command.late else None
    return {**of_run(command), "seen": (begun or case).version}


def claim_late(tx: Tx, command: Command, case: Case) -> None:
    """Claim what was to be claimed with its run's first write; MovedOn when another has, or the case has moved on."""
    with proving(tx):
        tx.execute(f"with {ENTER_LATE} {PROVEN}", proof(command, case))


def finish(tx: Tx, command: Command, result: str, *, failed: bool = False) -> Case:
    """The command is done, under its epoch: its case, locked; Fenced when the run does not hold its lease."""
    row = tx.one(
        f"{FINISH} select mine.*, exists (select 1 from held) as held from mine",
        {**of_run(command), "result": result, "state": "failed" if failed else "done"},
    )
    return entered(row)


def finish_alone(tx: Tx, command: Command, case: Case, result: str) -> None:
    """The same, and all that rides along, by a statement that may be a transaction of its own.

    The case was seen without a lock. MovedOn, and nothing is done, when it has a newer version, the lease is lost, or
    another has claimed what is `late`.
    """
    values = {**proof(command, case), "result": result, "state": "done"}
    with proving(tx):
        tx.execute(f"{FINISH_LATE if command.late else FINISH} {PROVEN}", values)


def entered(row: DictRow | None, prefix: str = "") -> Case:
    """The case in a row that tells whether the lease is `held`; Fenced when it is not."""
    if row is None or not row.pop("held"):
        raise Fenced()
    return cases.taken_from(row, prefix)


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


def put_back(tx: Tx, command: Command, *, delay: float, counted: bool, postponed: bool = False) -> None:
    """Give the lease up: the command is due again after `delay` seconds; a postponement is not counted."""
    tx.execute(
        """update commands set state = 'ready', owner = null, lease_until = null, publishes = 0, lost = 0,
            available_at = now() + make_interval(secs => %(delay)s),
            attempts = attempts - %(uncounted)s,
            postponed_since = case when %(postponed)s then coalesce(postponed_since, now()) else postponed_since end
        where command_id = %(id)s and epoch = %(epoch)s and state = 'claimed' and owner = %(owner)s""",
        {
            "id": command.command_id,
            "epoch": command.epoch,
            "owner": command.owner,  # of a late run that has not claimed, another has the epoch
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
    """The command that moves the case; when there is none, the newest that failed."""
    return tx.one(
        """select * from (
            (select * from commands where case_id = %(id)s and kind <> 'settle'
                and state in ('ready', 'published', 'claimed'))
            union all (select * from commands where case_id = %(id)s and kind <> 'settle' and state = 'failed'
                order by command_id desc limit 1)) c
        order by (state = 'failed') limit 1""",
        {"id": case_id},
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


def starts_waiting(tx: Tx, limit: int) -> int:
    """How many starts are unfinished; counted no further than the limit."""
    row = tx.one(
        """select count(*) as n from (select 1 from commands
        where kind = 'start' and state in ('ready', 'published', 'claimed') limit %s) c""",
        (limit,),
    )
    return int(row["n"]) if row else 0
