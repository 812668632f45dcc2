"""A post comes in: it becomes a case, its first event and its first command, or meets the case it has already."""

import hashlib
from dataclasses import dataclass
from typing import Any

from hitl.clock import new_id
from hitl.domain import events
from hitl.domain.cases import GRAPH_VERSIONS, SUPERSEDABLE, Case
from hitl.domain.events import Fact
from hitl.domain.people import Person
from hitl.errors import Conflict, Invalid, Refused
from hitl.operations.backlog import Backlog
from hitl.store import cases, commands, policies, reviews, workers
from hitl.store.postgres import Tx


@dataclass(frozen=True, slots=True)
class StartRequest:
    """What came in at POST /start; lengths and characters are checked at the door."""

    content: str
    content_id: str | None = None
    author_id: str | None = None
    context: dict[str, Any] | None = None
    policy: str | None = None
    priority: int = 5
    graph: str = "moderation"


def start(tx: Tx, person: Person, request: StartRequest, *, backlog: Backlog) -> dict[str, Any]:
    """Open a case for a post; the same text under the same content_id while its case is open is that case."""
    return Arrival(person, request, backlog).taken(tx)


class Arrival:
    """A post on its way in; it takes its place in the queue once, however often it is tried."""

    def __init__(self, person: Person, request: StartRequest, backlog: Backlog) -> None:
        self._person, self._request, self._backlog = person, request, backlog
        self._author = _author(person, request)
        self._values: dict[str, Any] = {}

    @property
    def stands_aside(self) -> bool:
        """Whether others are to be served before it (see turns)."""
        return self._backlog.turns.stands_aside(self._person.tenant, self._author)

    def opened(self, tx: Tx) -> dict[str, Any] | None:
        """Open a case, in one statement, which may be a transaction of its own; None when there may be one already."""
        values = self._prepared(tx)
        tx.commits()
        if not cases.insert(tx, values):
            return None
        return {"case_id": values["case_id"], "status": "received", "version": 1}

    def taken(self, tx: Tx) -> dict[str, Any]:
        """Open a case, or find the one that the post has already, or take its content over."""
        values = self._prepared(tx)
        for _ in range(3):  # another post of the same content may slip in between the two statements
            if opened := self.opened(tx):
                return opened
            policies.exists(tx, self._person.tenant, values["policy"])
            found = cases.lock_current(tx, self._person.tenant, values["content_id"])
            if found is None:
                continue
            current, digest = found
            _same_owner(current, self._author)
            if current.open and digest == values["sha256"]:
                return {"case_id": current.case_id, "status": current.status, "version": current.version}
            values["supersedes"] = _make_way(tx, current, self._person)
        raise Conflict("This content_id is being posted by others at the same moment; send it again.")

    def _prepared(self, tx: Tx) -> dict[str, Any]:
        if not self._values:
            self._backlog.admit(tx)
            values = _values(tx, self._person, self._author, self._request)
            self._values = {**values, "turn": self._backlog.turns.take(self._person.tenant, self._author)}
        return self._values


def _author(person: Person, request: StartRequest) -> str:
    if person.has("service"):
        if request.author_id or person.has("author"):
            return request.author_id or person.id
        raise Invalid("A service posts for somebody: name the author_id.", field="author_id")
    if not person.has("author"):
        raise Refused("Posting takes the role author or service.")
    if request.author_id not in (None, person.id):
        raise Refused("An author posts as themselves; leave author_id out, or use a service token.")
    return person.id


def _values(tx: Tx, person: Person, author: str, request: StartRequest) -> dict[str, Any]:
    case_id = new_id()
    return {
        "case_id": case_id,
        "tenant_id": person.tenant,
        "content_id": request.content_id or case_id,
        "author_id": author,
        "started_by": person.id,
        "graph": request.graph,
        "graph_version": _graph_version(tx, request.graph),
        "policy": request.policy or "default",
        "priority": request.priority,
        "supersedes": None,
        "body": request.content,
        "context": request.context or {},
        "sha256": hashlib.sha256(request.content.encode()).digest(),
        "data": {"graph": request.graph, "priority": request.priority, "characters": len(request.content)},
    }


def _graph_version(tx: Tx, graph: str) -> str:
    version = GRAPH_VERSIONS.get(graph) or workers.newest_version(tx, graph)
    if version is None:
        raise Invalid(f"There is no graph {graph!r}.", field="graph")
    return version


def _same_owner(current: Case, author: str) -> None:
    if current.author_id != author:
        raise Conflict("This content_id belongs to another author's post; choose another.", field="content_id")


def _make_way(tx: Tx, current: Case, person: Person) -> str:
    """The newer text takes the content over; a case that nobody has decided yet ends superseded."""
    cases.retire(tx, current.case_id)
    if (current.parked_from or current.status) in SUPERSEDABLE and current.round == 1:
        by = events.person(person.id)
        facts = [Fact("review_superseded", by, {"review_id": r}) for r in reviews.supersede(tx, current.case_id)]
        commands.cancel(tx, current.case_id, "superseded")
        facts.append(Fact("case_completed", by, {"outcome": "superseded"}, after="completed"))
        cases.record(tx, current, facts, outcome="superseded", parked_from=None)
    return current.case_id
