"""What a person may see of a case: authors and services no votes, confidences, rationale, notes or deciders."""

from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import Any, NamedTuple

from hitl.domain.cases import Status
from hitl.domain.people import Person
from hitl.errors import Missing
from hitl.operations.shown import Shown
from hitl.store import events, views
from hitl.store.postgres import DictRow, Tx
from hitl.store.riders import Write

REVIEW = (
    "review_id",
    "round",
    "level",
    "status",
    "choices",
    "form",
    "proposed_actions",
    "allowed_actions",
    "deadline_at",
    "quorum",
)
ACTION = (
    "action_id",
    "kind",
    "target",
    "params",
    "round",
    "direction",
    "status",
    "reverses",
    "reversible",
    "error",
    "applied_at",
    "reversed_at",
    "needs_attention",
)


class Mark(NamedTuple):
    """How far a case has come."""

    version: int
    status: Status


def mark(tx: Tx, person: Person, case_id: str) -> Mark:
    """How far the case has come; Missing when there is no such case for this person."""
    found = views.mark(tx, person.tenant, _limit(person), case_id)
    if found is None:
        raise _missing()
    return Mark(*found)


def status(tx: Tx, person: Person, case_id: str, note: Callable[[Shown], None] | None = None) -> dict[str, Any]:
    """A case with its verdict, reviews, decision and actions, as far as this person may see them.

    `note` is given all of it.
    """
    began = monotonic()
    return told(tx.one(*asked(person, case_id)), person, began, note)


def asked(person: Person, case_id: str) -> Write:
    """The question that `status` asks, for who asks it in another way."""
    return views.whole(person.tenant, _limit(person), case_id)


def told(row: DictRow | None, person: Person, began: float, note: Callable[[Shown], None] | None) -> dict[str, Any]:
    """What `status` tells of the answer to it; `began`: when it was asked, on the monotonic clock."""
    row = _found(row)
    if note:
        note(Shown.of(row, began))
    return _status(row, person)


def whole(tx: Tx, person: Person, case_id: str) -> dict[str, Any]:
    """The same with `content` and `context`."""
    row = _found(tx.one(*views.whole(person.tenant, _limit(person), case_id, text=True)))
    return {**_status(row, person), "content": row["content"], "context": row["context"]}


def page(tx: Tx, person: Person, *, status: str | None, limit: int, cursor: str | None) -> dict[str, Any]:
    """A page of cases, newest first; `next_cursor` is None on the last one."""
    rows = views.page(tx, person.tenant, _limit(person), status=status, before=cursor, limit=limit + 1)
    more = len(rows) > limit
    shown = rows[:limit]
    return {"cases": [_status(r, person) for r in shown], "next_cursor": shown[-1]["case_id"] if more else None}


def history(tx: Tx, person: Person, case_id: str, *, after: int, limit: int) -> dict[str, Any]:
    """A case's events behind a seq, oldest first; `next_cursor` is None when there are no more for now."""
    mark(tx, person, case_id)
    rows = events.of_case(tx, case_id, after=after, limit=limit + 1)
    shown = [event(r, person) for r in rows[:limit]]
    return {"events": shown, "next_cursor": str(shown[-1]["seq"]) if len(rows) > limit else None}


def stream(tx: Tx, person: Person, cursor: str | None, limit: int) -> list[tuple[str, dict[str, Any]]]:
    """Events of all cases that the person may see behind a cursor, each with its own cursor."""
    if cursor is None:
        return []
    rows = events.of_all(tx, person.tenant, _limit(person), cursor=cursor, limit=limit)
    return [(r["cursor"], {"case_id": r["case_id"], **event(r, person)}) for r in rows]


def now(tx: Tx) -> str:
    """The cursor of a stream that begins now."""
    return events.newest_tx(tx)


def event(row: DictRow, person: Person) -> dict[str, Any]:
    """An event as this person may see it."""
    own = person.staff or row["actor_kind"] == "machine" or row["actor_id"] == person.id
    return {
        "seq": row["seq"],
        "type": row["type"],
        "at": _iso(row["at"]),
        "actor": {"kind": row["actor_kind"], "id": row["actor_id"] if own else "moderation"},
        "before": row["before"],
        "after": row["after"],
        "data": row["data"] if person.staff else _for_authors(row["data"]),
    }


def _limit(person: Person) -> str | None:
    return None if person.staff else person.id


def _found(row: DictRow | None) -> DictRow:
    if row is None:
        raise _missing()
    return row


def _missing() -> Missing:
    return Missing("There is no such case, or it is not yours to see.")


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _status(row: DictRow, person: Person) -> dict[str, Any]:
    reviews = [_review(r, person) for r in row["reviews"] or []]
    waiting = [r for r in reviews if r["status"] in ("open", "blocked")]
    return {
        "case_id": row["case_id"],
        "status": row["status"],
        "outcome": row["outcome"],
        "needs_attention": row["needs_attention"],
        "version": row["version"],
        "content_id": row["content_id"],
        "author_id": row["author_id"],
        "graph": row["graph"],
        "graph_version": row["graph_version"],
        "policy": row["policy"],
        "policy_version": row["policy_version"],
        "round": row["round"],
        "priority": row["priority"],
        "supersedes": row["supersedes"],
        "verdict": _verdict(row["verdict"], person),
        "review": waiting[0] if waiting else (reviews[-1] if reviews else None),
        "reviews": waiting,
        "decision": _decision(_newest(row["decisions"]), person),
        "actions": [_action(a, person) for a in row["actions"] or []],
        "appeal": _appeal(_newest(row["appeals"]), person),
        "error": row["error"],
        "created_at": _iso(row["created_at"]),
        "updated_at": _iso(row["updated_at"]),
    }


def _newest(rows: list[dict[str, Any]] | None) -> dict[str, Any] | None:
    return rows[-1] if rows else None


def _verdict(row: dict[str, Any] | None, person: Person) -> dict[str, Any] | None:
    if row is None:
        return None
    if person.staff:
        return row
    seen = [{"policy": c["policy"], "severity": c["severity"]} for c in row["categories"]]
    return {"suspect": row["suspect"], "unavailable": row["unavailable"], "categories": seen}


def _review(row: dict[str, Any], person: Person) -> dict[str, Any]:
    shown = {name: row[name] for name in REVIEW}
    return {**shown, "votes": row["votes"]} if person.staff else shown


def _decision(row: dict[str, Any] | None, person: Person) -> dict[str, Any] | None:
    if row is None:
        return None
    shown = {
        "decision_id": row["decision_id"],
        "review_id": row["review_id"],
        "round": row["round"],
        "decision": row["decision"],
        "by": row["decided_by"] if person.staff else None,
        "at": row["decided_at"],
        "reason": row["reason"],
        "response": row["response"],
        "policies": row["policies"],
        "actions": row["actions"],
    }
    return {**shown, "private_note": row["private_note"]} if person.staff else shown


def _action(row: dict[str, Any], person: Person) -> dict[str, Any]:
    shown = {name: row[name] for name in ACTION}
    return {**shown, "settlements": row["settlements"]} if person.staff else shown


def _appeal(row: dict[str, Any] | None, person: Person) -> dict[str, Any] | None:
    if row is None:
        return None
    mine = person.staff or row["by_person"] == person.id
    shown = {name: row[name] for name in ("round", "kind", "on_appeal", "reason", "at")}
    return {**shown, "by": row["by_person"] if mine else None}


def _for_authors(data: dict[str, Any]) -> dict[str, Any]:
    """Neither how sure the machine was, nor which machine it was."""
    shown = {name: value for name, value in data.items() if name not in ("worker", "analyzer", "latency_ms")}
    if "categories" in shown:
        shown["categories"] = [{k: v for k, v in c.items() if k != "confidence"} for c in shown["categories"]]
    return shown
