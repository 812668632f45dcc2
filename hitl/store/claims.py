"""How a command is claimed: the lease, and what the run needs to see; in one statement where nothing is unusual."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hitl.domain.cases import AT_REST, Case
from hitl.domain.commands import LEASE_SECONDS, MAX_ATTEMPTS, SUSPECT_AFTER, Command, Seen
from hitl.domain.events import Fact
from hitl.store import cases
from hitl.store.analyses import KEPT
from hitl.store.calls import FORWARD_ORDER, FORWARD_WORK, REVERSE_ORDER, REVERSE_WORK
from hitl.store.checkpoints import READ
from hitl.store.commands import CLAIM, CLAIMED, POSTPONED, SERVED
from hitl.store.notify import Change
from hitl.store.postgres import DictRow, Jsonb, Tx
from hitl.store.reviews import ACTIONS, BASIS

HEAD = """(select to_jsonb(h) from checkpoint_heads h
    where h.thread_id = commands.case_id::text and h.checkpoint_ns = '') as head"""
UNDOING = """exists (select 1 from actions a where a.case_id = commands.case_id and a.direction = 'reverse'
    and a.status in ('planned', 'sending')) as undoing"""
DECIDED = f"""(select jsonb_build_object('decision_id', d.decision_id, 'decision', d.decision,
            'interrupt_id', r.interrupt_id, 'round', d.round, 'digest', d.digest, 'acts', exists (
                select 1 from actions a where a.case_id = commands.case_id and a.decision_id = d.decision_id))
        from decisions d join reviews r using (review_id) where d.decision_id = commands.ref) as answer,
    {UNDOING}"""
SEEN = f"(select round from cases c where c.case_id = commands.case_id) as round, {HEAD}, {DECIDED}"

CLAIMABLE = """command_id = %(id)s and available_at <= now()
    and (state in ('ready', 'published') or (state = 'claimed' and lease_until < now()))"""
# Of the claimed command's case; at most one that is no settling, so that only a settling has to look for it.
OTHER = """from commands other where other.case_id = commands.case_id and other.command_id <> %(id)s
    and other.state = 'claimed' and other.lease_until >= now()"""


# The same as `cases.record` of one event, for a case that only the statement knows: its `mine`, once `claimed`.
BEGUN = f"""begun as (
        update cases set status = %(after)s, version = cases.version + 1, {cases.DERIVED}
        from claimed join mine using (case_id) where cases.case_id = claimed.case_id and mine.status = 'received'
        returning cases.case_id, cases.tenant_id, cases.version),
    told as (
        insert into events (case_id, seq, tenant_id, type, actor_kind, actor_id, before, after, data)
        select case_id, version, tenant_id, %(type)s, %(actor_kind)s, %(actor_id)s, 'received', %(after)s, %(data)s
        from begun)"""
MINE = f"""select case_id, status, version, round, {cases.AS_MINE} from cases
        where case_id = (select case_id from commands where command_id = %(id)s)"""
USUAL = f"""commands.case_id = mine.case_id and {SERVED} and kind = '{{kind}}' and mine.status {{status}}
          and not exists (select 1 from commands other where other.case_id = commands.case_id
              and other.kind = 'settle' and other.state in ('ready', 'published', 'claimed'))"""
ONCE = f"""with mine as materialized ({MINE} for update),
    claimed as (update commands set {CLAIM} from mine
        where {CLAIMABLE} and {USUAL} and lost < %(suspect)s and attempts < %(most)s
          and mine.version = (select version from cases c where c.case_id = mine.case_id)
        returning {CLAIMED}, mine.round, {HEAD}, {{seen}})"""
# What a claim would see and make of a command that is handed out for the first time. Nothing is locked or written: the
# run's first write does that. One that was begun before is claimed at once, so that what kills its process is noticed.
LATE = f"""with mine as materialized ({MINE}),
    claimed as (select command_id, commands.tenant_id, commands.case_id, kind, graph, graph_version, ref,
            epoch + 1 as epoch, 1 as attempts, %(owner)s as owner, {POSTPONED}, mine.round, {HEAD}, {{seen}}
        from commands, mine where command_id = %(id)s and available_at <= now() and {USUAL}
          and state in ('ready', 'published') and attempts = 0 and lost = 0 and publishes <= 1)"""
# A post's first run wants its text, and nothing of decisions.
_A_POST = {"kind": "start", "status": "<> 'needs_migration'", "seen": "null::jsonb as answer, false as undoing"}
_TEXT = f"""{cases.OF_MINE}, t.body, t.context, {KEPT.format("claimed.case_id")} as kept
    from claimed join mine using (case_id) left join contents t using (case_id)"""
START = f"{ONCE.format(**_A_POST)} select claimed.*, {_TEXT}"
START_LATE = f"{LATE.format(**_A_POST)} select claimed.*, {_TEXT}"
START_TOLD = f"{ONCE.format(**_A_POST)}, {BEGUN} select claimed.*, (select version from begun) as begun, {_TEXT}"
# A later run wants the checkpoint, what there is to do, and what follows from it.
_MOVING = "not in ('needs_migration', 'received')"
_A_DECISION = {"kind": "resume", "status": _MOVING, "seen": DECIDED}
_AN_APPEAL = {"kind": "rollback", "status": _MOVING, "seen": f"null::jsonb as answer, {UNDOING}"}


def _carrying_on(work: str, order: str, follows: str) -> str:
    head = READ.format(thread="claimed.case_id::text", head="(claimed.head ->> 'checkpoint_id')")
    return f"""select claimed.*, {cases.OF_MINE}, to_jsonb(follows) as follows, stored.*,
        (select coalesce(jsonb_agg(to_jsonb(work) order by {order}), '[]') from ({work}) work) as work
    from claimed join mine using (case_id) cross join lateral ({follows.replace("%(id)s", "mine.case_id")}) follows
        left join lateral ({head}) stored on true"""


_WHAT_WAS_DECIDED = _carrying_on(
    FORWARD_WORK.format(
        case_id="claimed.case_id", round="(claimed.answer ->> 'round')::int", decision_id="claimed.ref"
    ),
    FORWARD_ORDER,
    f"select {ACTIONS}",
)
_WHAT_IS_UNDONE = _carrying_on(REVERSE_WORK.format(case_id="claimed.case_id"), REVERSE_ORDER, BASIS)
AT_ONCE = {
    "start": START,
    "resume": f"{ONCE.format(**_A_DECISION)} {_WHAT_WAS_DECIDED}",
    "rollback": f"{ONCE.format(**_AN_APPEAL)} {_WHAT_IS_UNDONE}",
}
AT_THE_FIRST_WRITE = {
    "start": START_LATE,
    "resume": f"{LATE.format(**_A_DECISION)} {_WHAT_WAS_DECIDED}",
    "rollback": f"{LATE.format(**_AN_APPEAL)} {_WHAT_IS_UNDONE}",
}
# The columns of a checkpoint as it is stored.
STORED = (
    "thread_id",
    "checkpoint",
    "checkpoint_ns",
    "checkpoint_id",
    "parent_checkpoint_id",
    "metadata",
    "channel_values",
    "pending_writes",
)


def late(tx: Tx, command_id: int, *, owner: str, serves: Sequence[str], kind: str | None) -> Command | None:
    """What `at_once` would claim, if it is handed out for the first time; its run's first write claims it.

    No analysis of a post may be told to have begun.
    """
    sql = AT_THE_FIRST_WRITE.get(kind or "")
    row = tx.one(sql, {"id": command_id, "owner": owner, "serves": list(serves)}) if sql else None
    return replace(_claimed(row, cases.taken_from(row, "mine_")), late=True) if row else None


def at_once(
    tx: Tx, command_id: int, *, owner: str, serves: Sequence[str], begins: Fact | None, kind: str | None
) -> Command | None:
    """What `approach` and `claim` do in turn, in one statement, where nothing is unusual; None also where anything is.

    It sees as well what a run of this `kind` will want to see, and of another kind nothing is claimed.
    `begins` is told of a case that was received until now, with the claim: that its analysis begins; None: not yet.
    Unusual are: a settling command of the case, a case that is parked, a run that was lost or begun too often, and a
    case that moved on while its row was waited for: the rest of the statement sees the moment at which it began.
    """
    sql = START_TOLD if begins and kind == "start" else AT_ONCE.get(kind or "")
    if sql is None:
        return None
    params: dict[str, Any] = {
        "id": command_id,
        "owner": owner,
        "lease": LEASE_SECONDS,
        "serves": list(serves),
        "suspect": SUSPECT_AFTER,
        "most": MAX_ATTEMPTS,
    }
    row = tx.one(sql, params | _told(begins) if begins and kind == "start" else params)
    if row is None:
        return None
    case = cases.taken_from(row, "mine_")
    if begins and (version := row.pop("begun", None)):
        began: dict[str, Any] = {"status": begins.after, "version": version}
        case = replace(case, **began)
        tx.changed.add(Change(case.case_id, version, begins.after in AT_REST))
    return _claimed(row, case)


def _told(fact: Fact) -> dict[str, Any]:
    actor = {"actor_kind": fact.actor.kind, "actor_id": fact.actor.id}
    return {"type": fact.type, "after": fact.after, "data": Jsonb(fact.data), **actor}


def approach(tx: Tx, command_id: int) -> tuple[Case, int] | None:
    """The case that a command moves, locked, and how many runs of it in a row were lost; None: no such command."""
    row = tx.one(
        f"""select {cases.COLUMNS}, lost from cases join (
            select case_id as moved, lost from commands where command_id = %s) command on case_id = moved
        for update of cases""",
        (command_id,),
    )
    if row is None:
        return None
    lost = int(row.pop("lost"))
    return cases.taken_from(row), lost


def claim(tx: Tx, command_id: int, *, owner: str, serves: Sequence[str]) -> Command | None:
    """Take the lease; None when the command is finished, leased, not due, or of a graph version not served here.

    Nor while another command of the case is being carried out: both might undo the same action. The case row is locked.
    """
    row = tx.one(
        f"""update commands set {CLAIM} where {CLAIMABLE} and {SERVED}
          and not exists (select 1 {OTHER} and other.kind = 'settle')
          and not (kind = 'settle' and exists (select 1 {OTHER} and other.kind <> 'settle'))
        returning {CLAIMED}, {SEEN}""",
        {"id": command_id, "owner": owner, "lease": LEASE_SECONDS, "serves": list(serves)},
    )
    return _claimed(row) if row else None


def _claimed(row: DictRow, case: Case | None = None) -> Command:
    head, answer, undoing = row.pop("head") or {}, row.pop("answer"), row.pop("undoing")
    work, follows = row.pop("work", None), row.pop("follows", None)
    if answer and follows:
        follows = _end(answer, follows, case)
    stored = {name: row.pop(name, None) for name in STORED}
    seen = Seen(
        row.pop("round"),
        head.get("checkpoint_id"),
        head.get("state"),
        answer,
        undoing,
        case,
        stored if stored["checkpoint"] else None,
        [{**one, "case": case} for one in work] if work is not None else None,
        follows,
        _subject(row, case),
    )
    return Command(**row, seen=seen)


def _end(answer: DictRow, follows: DictRow, case: Case | None) -> DictRow | None:
    """What `reviews.end` says, but for an analysis told of long ago; None of a decision that is not the newest."""
    newest = case is not None and case.round == answer["round"]
    return {**follows, "analysis": None, "decision": answer["decision"]} if newest else None


def _subject(row: DictRow, case: Case | None) -> dict[str, Any] | None:
    if "body" not in row:
        return None
    text = {name: row.pop(name) for name in ("body", "context", "kept")}
    return {"case": case, **text} if text["body"] is not None else None
