"""What nobody asked for but somebody must do: orphans, poison, graph versions nobody serves, old rows."""

from collections.abc import Sequence

from hitl.domain.cases import GRAPH_VERSIONS
from hitl.domain.commands import MAX_ATTEMPTS, backoff
from hitl.domain.deadlines import CHECKPOINT_DAYS
from hitl.domain.events import UPKEEP, Fact
from hitl.domain.people import Person, eligible
from hitl.operations import runs
from hitl.store import cases, claims, commands, idempotency, maintenance, reviews, workers
from hitl.store.postgres import DictRow, Tx


def orphans(tx: Tx, limit: int = 100) -> list[int]:
    """Commands whose lease has run out, not yet looked at."""
    return [row["command_id"] for row in commands.expired(tx, limit)]


def adopt(tx: Tx, command_id: int) -> bool:
    """Make an orphaned command due again, or fail its case after too many tries. False: not an orphan."""
    found = claims.approach(tx, command_id)
    command = commands.lock_expired(tx, command_id)
    if found is None or command is None:
        return False
    case, _ = found
    tx.name = "adopt" if command.attempts < MAX_ATTEMPTS else "give_up"
    if command.attempts < MAX_ATTEMPTS:
        commands.make_ready(tx, command_id, delay=backoff(command.attempts - 1))
        return True
    commands.give_up(tx, command_id, "attempts-used-up")
    detail = f"The run was begun {MAX_ATTEMPTS} times and never came to its end; its worker died or stalled each time."
    runs.given_up(tx, case, command, "attempts-used-up", detail, by=UPKEEP)
    return True


def unserved(tx: Tx) -> list[str]:
    """Cases with a due command that no living worker can run; none while no worker lives at all."""
    served = workers.served(tx)
    return maintenance.unserved_cases(tx, sorted(served)) if served else []


def park(tx: Tx, case_id: str) -> None:
    """Nobody serves the case's graph version: it waits, and says so. A reversal goes on under the current version."""
    case = cases.lock(tx, case_id)
    last = commands.last(tx, case_id)
    if (
        last is None
        or last["state"] not in ("ready", "published")
        or f"{case.graph}@{case.graph_version}" in workers.served(tx)
    ):
        return
    current = GRAPH_VERSIONS.get(case.graph) or workers.newest_version(tx, case.graph)
    if last["kind"] == "rollback" and current and current != case.graph_version:
        tx.name = "move"
        maintenance.move_to_version(tx, case_id, last["command_id"], current)
        data = {"from": case.graph_version, "to": current}
        cases.record(tx, case, [Fact("graph_version_changed", UPKEEP, data)], graph_version=current)
    elif case.status != "needs_migration":
        tx.name = "park"
        data = {"graph": case.graph, "graph_version": case.graph_version}
        fact = Fact("case_parked", UPKEEP, data, after="needs_migration")
        cases.record(tx, case, [fact], parked_from=case.status)


def parked(tx: Tx) -> list[str]:
    """Parked cases whose version a living worker serves again."""
    return maintenance.servable_cases(tx, sorted(workers.served(tx)))


def unpark(tx: Tx, case_id: str) -> None:
    """The case goes on where it was parked."""
    case = cases.lock(tx, case_id)
    if case.status == "needs_migration":
        tx.name = "unpark"
        cases.record(tx, case, [Fact("case_unparked", UPKEEP, {}, after=case.parked_from)], parked_from=None)


def reconsider(tx: Tx, people: Sequence[Person], *, after: str | None = None, limit: int = 500) -> str | None:
    """Block undecided reviews that nobody may decide any more, open those that somebody may by now.

    A batch of them behind a review id; where the next one begins, None behind the last. Needed when people come or go.
    """
    batch = reviews.undecided(tx, after, limit)
    for row in batch:
        free = eligible(people, row["level"], row["tenant_id"], row["involved"])
        if free != (row["status"] == "open"):
            _turn(tx, row, free=free)
    return batch[-1]["review_id"] if len(batch) == limit else None


def _turn(tx: Tx, row: DictRow, *, free: bool) -> None:
    case = cases.lock(tx, row["case_id"])
    if reviews.turn(tx, row["review_id"], "open" if free else "blocked"):
        tx.name = "reconsider"
        data = {"review_id": row["review_id"], "round": row["round"], "level": row["level"]}
        cases.record(tx, case, [Fact("review_unblocked" if free else "review_blocked", UPKEEP, data)])


def forget_workers(tx: Tx) -> None:
    """Forget who has been silent for long."""
    workers.bury(tx)


def forget_answers(tx: Tx, limit: int = 5000) -> int:
    """Forget answers that nobody may ask for again; how many, at most `limit`."""
    forgotten = idempotency.prune(tx, limit)
    tx.name = "forget" if forgotten else None
    return forgotten


def clear_long_closed(tx: Tx, limit: int = 100) -> int:
    """Keep of long closed cases' checkpoints only the heads; of how many cases, at most `limit`."""
    cleared = maintenance.clear_long_closed(tx, CHECKPOINT_DAYS, limit)
    tx.name = "clear" if cleared else None
    return cleared
