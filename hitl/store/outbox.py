"""Rows of `commands` on their way to the broker: a bounded window, by priority, then turn, then age."""

from collections.abc import Collection, Sequence

from hitl.domain.commands import FAR
from hitl.store.commands import SERVED
from hitl.store.excess import Excess, mark
from hitl.store.postgres import Tx
from hitl.store.workers import ALIVE

# A message may be lost with its broker: after this long without a claim it is published again, ever more seldom.
REPUBLISH = "least(5 * (1 << least(publishes, 5)), 120) * interval '1 second'"
LOST = "interval '10 seconds'"  # so long what is published counts as being on its way
HOLD = "interval '1 second'"  # a run of the excess that takes longer waits for something, and leaves the cores alone


def _ready(which: str, room: str) -> str:
    """The next ready commands in their order, as many as there is room for.

    One priority after the other, each straight from its place in the index: asked for all of them at once, Postgres
    sorts the whole backlog in a database that has never been analyzed.
    """
    return f"""select due.* from generate_series(9, 0, -1) level cross join lateral (
            select command_id, priority, turn from commands
            where state = 'ready' and priority = level and turn {which} and available_at <= now() and {SERVED}
                and command_id <> all(%(handed)s)
            order by turn, command_id limit {room} for update skip locked) due limit {room}"""


TAKE = f"""with busy as (
    select greatest(0, least(%(window)s - count(*)
            - (select count(*) from commands where command_id = any(%(handed)s) and state = 'ready'),
            greatest(1, %(window)s / (select greatest(1, count(*)) from workers where relay and {ALIVE}))
        - count(*) filter (where owner = %(relay)s))) as room,
        greatest(0, %(places)s - count(*) filter (where turn >= {FAR} and published_at > now() - {LOST}) - (
            select count(*) from commands
            where state = 'claimed' and turn >= {FAR} and published_at > now() - {HOLD})) as places,
        set_config('synchronous_commit', 'off', true)
    from commands where state = 'published' and {SERVED}),
fresh as ({_ready(f"< {FAR}", "(select room from busy)")}),
crowd as ({_ready(f">= {FAR}", "(select least(places, room) from busy)")}),
next as (
    select command_id from (select * from fresh union all select * from crowd) ready
    order by priority desc, turn, command_id limit (select room from busy)),
unheard as (
    select command_id from commands
    where state = 'published' and published_at <= now() - {REPUBLISH} and {SERVED}
    order by published_at limit %(window)s for update skip locked),
taken as (
    update commands c set state = 'published', published_at = now(), publishes = publishes + 1, owner = %(relay)s
    from (select command_id from next union all select command_id from unheard) due
    where c.command_id = due.command_id
    returning c.command_id, c.kind, c.priority, c.turn, c.tenant_id,
        case c.kind when 'start' then (select author_id from cases k where k.case_id = c.case_id) end as author)
select busy.room, taken.* from busy left join taken on true"""


def take(
    tx: Tx,
    *,
    window: int,
    relay: str,
    serves: Sequence[str],
    excess: Excess | None = None,
    handed: Collection[int] = (),
) -> tuple[list[tuple[int, str]], bool]:
    """Mark the most urgent, oldest ready commands as published, as far as the window has room.

    Returns (id, kind) of each in order, and whether there is no room beside them, so that more may be waiting.
    Those `handed` out without a mark are not taken, and what of them is not claimed yet takes room.
    The window is all relays' together; a relay keeps to its share of it, so that several at once do not overfill it.
    The marks need not be on the disk: one that is lost costs a second message, never a decision.
    Of the excess no more than `excess` has places for are under way at once (without it: as many as there is room for).
    Commands of graph versions that no living worker serves stay out of the window: they would clog it.
    """
    rows = tx.all(
        TAKE,
        {
            "window": window,
            "places": excess.places() if excess else window,
            "relay": relay,
            "serves": list(serves),
            "handed": list(handed),
        },
    )
    taken = [row for row in rows if row["command_id"]]
    if excess:
        excess.saw((row["turn"], mark(row["tenant_id"], row["author"])) for row in taken if row["author"])
    taken.sort(key=lambda r: (-r["priority"], r["turn"], r["command_id"]))
    return [(r["command_id"], r["kind"]) for r in taken], len(taken) >= rows[0]["room"]


def waits(tx: Tx) -> bool:
    """Whether anything is ready, or published and not begun: far less to ask than what `take` asks."""
    row = tx.one(
        """select exists (select 1 from commands where state = 'ready')
            or exists (select 1 from commands where state = 'published') as found"""
    )
    return row is not None and row["found"]


def unpublish(tx: Tx, command_ids: Sequence[int]) -> None:
    """The broker did not take these: they are ready again."""
    tx.execute(
        """update commands set state = 'ready', owner = null, publishes = publishes - 1
        where command_id = any(%s) and state = 'published'""",
        (list(command_ids),),
    )
