"""Rows of `commands` on their way to the broker: a bounded window, by priority, then turn, then age."""

from collections.abc import Sequence

from hitl.store.commands import SERVED
from hitl.store.postgres import Tx
from hitl.store.workers import ALIVE

# A message may be lost with its broker: after this long without a claim it is published again, ever more seldom.
REPUBLISH = "least(5 * (1 << least(publishes, 5)), 120) * interval '1 second'"


def take(tx: Tx, *, window: int, relay: str, serves: Sequence[str]) -> tuple[list[tuple[int, str]], bool]:
    """Mark the most urgent, oldest ready commands as published, as far as the window has room.

    Returns (id, kind) of each in order, and whether they fill the room, so that more may be waiting.
    The window is all relays' together; a relay keeps to its share of it, so that several at once do not overfill it.
    The marks need not be on the disk: one that is lost costs a second message, never a decision.
    Commands of graph versions that no living worker serves stay out of the window: they would clog it.
    """
    rows = tx.all(
        f"""with busy as (
            select greatest(0, least(%(window)s - count(*), greatest(1, %(window)s / (
                    select greatest(1, count(*)) from workers where relay and {ALIVE}))
                - count(*) filter (where owner = %(relay)s))) as room, set_config('synchronous_commit', 'off', true)
            from commands where state = 'published' and {SERVED}),
        fresh as (
            select command_id from commands where state = 'ready' and available_at <= now() and {SERVED}
            order by priority desc, turn, command_id
            limit (select room from busy) for update skip locked),
        unheard as (
            select command_id from commands
            where state = 'published' and published_at <= now() - {REPUBLISH} and {SERVED}
            order by published_at limit %(window)s for update skip locked)
        update commands c set state = 'published', published_at = now(), publishes = publishes + 1, owner = %(relay)s
        from (select command_id from fresh union all select command_id from unheard) due
        where c.command_id = due.command_id
        returning c.command_id, c.kind, c.priority, c.turn, (select room from busy) as room""",
        {"window": window, "relay": relay, "serves": list(serves)},
    )
    rows.sort(key=lambda r: (-r["priority"], r["turn"], r["command_id"]))
    return [(r["command_id"], r["kind"]) for r in rows], bool(rows) and len(rows) >= rows[0]["room"]


def unpublish(tx: Tx, command_ids: Sequence[int]) -> None:
    """The broker did not take these: they are ready again."""
    tx.execute(
        """update commands set state = 'ready', owner = null, publishes = publishes - 1
        where command_id = any(%s) and state = 'published'""",
        (list(command_ids),),
    )
