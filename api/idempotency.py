"""One transaction per POST; with an Idempotency-Key the first answer is written in it and given again for a day."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Annotated, Any

import orjson
from fastapi import Header, Request
from pydantic import BaseModel
from starlette.responses import Response

from api import answers
from api.desk import Desk
from api.errors import BadField
from hitl.domain.people import Person
from hitl.errors import IdempotencyKeyReused
from hitl.store import idempotency
from hitl.store.at_hand import Elsewhere
from hitl.store.postgres import Tx

ACCEPTED = 202
COMMITS = {"/start": "start", "/resume": "decide", "/rollback": "rollback"}  # the names of their failpoints
Locate = Callable[[dict[str, Any]], str | None]
Attempt = Callable[[Tx], dict[str, Any] | None]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="1 to 200 visible ASCII characters, new for each new request. The same key with the same request"
        " gets the same answer for 24 hours, also when the first answer was lost.",
        pattern=r"^[!-~]{1,200}$",
        examples=["5c0a2f4e-order-1138"],
    ),
]


async def accept(
    desk: Desk,
    person: Person,
    request: Request,
    work: Callable[[Tx], dict[str, Any]],
    *,
    body: BaseModel,
    key: str | None,
    locate: Locate = lambda _: None,
    at_once: Attempt | None = None,
) -> Response:
    """Do the work, once per key, and answer 202 with what it returned; `locate` gives the Location, if any.

    `at_once` does it in a single writing statement, where it can; returns None and has done nothing where it cannot.
    """
    due, begun = desk.due(), False
    if key is not None:
        return await desk.write(partial(_once, desk, person, request, work, body=body, key=key, locate=locate), due)
    if at_once:
        with suppress(Elsewhere):
            if found := await desk.at_hand.attempt(at_once, due):
                return _accepted(desk, person, found, locate)
            at_once, begun = None, True
    there = partial(_plainly, desk, person, request, work, at_once=at_once, locate=locate)
    return await desk.write(there, due, begun=begun)


def _plainly(
    desk: Desk,
    person: Person,
    request: Request,
    work: Callable[[Tx], dict[str, Any]],
    *,
    at_once: Attempt | None,
    locate: Locate,
) -> Response:
    found = _single(desk, request, at_once) if at_once else None
    if not found:
        with desk.runtime.store.transaction(COMMITS.get(request.scope["path"])) as tx:
            found = work(tx)
    return _accepted(desk, person, found, locate)


def _once(
    desk: Desk,
    person: Person,
    request: Request,
    work: Callable[[Tx], dict[str, Any]],
    *,
    body: BaseModel,
    key: str,
    locate: Locate,
) -> Response:
    if len(request.headers.getlist("idempotency-key")) > 1:
        raise BadField("Idempotency-Key", "is there more than once")
    digest = _digest(request, body)
    with desk.runtime.store.transaction(COMMITS.get(request.scope["path"])) as tx:
        if known := idempotency.find(tx, person.tenant, person.id, key):
            if bytes(known["request_sha256"]) != digest:
                raise IdempotencyKeyReused()
            replayed = {**known["headers"], "Idempotent-Replayed": "true"}
            return answers.json(known["body"], known["status_code"], replayed, options=answers.STABLE)
        found = work(tx)
        answer = {"status_code": ACCEPTED, "headers": _headers(found, locate), "body": found}
        idempotency.keep(tx, tenant_id=person.tenant, person=person.id, key=key, digest=digest, answer=answer)
    return _accepted(desk, person, found, locate)


def _single(desk: Desk, request: Request, at_once: Attempt) -> dict[str, Any] | None:
    with desk.runtime.store.statement() as tx:
        tx.name = COMMITS.get(request.scope["path"])
        found = at_once(tx)
        if not found:
            tx.name = None
    return found


def _accepted(desk: Desk, person: Person, found: dict[str, Any], locate: Locate) -> Response:
    if "version" in found:
        desk.hub.recent.tell(person, found["case_id"], found["version"])
    return answers.json(found, ACCEPTED, _headers(found, locate), options=answers.STABLE)


def _headers(found: dict[str, Any], locate: Locate) -> dict[str, str]:
    location = locate(found)
    return {"Location": location} if location else {}


def _digest(request: Request, body: BaseModel) -> bytes:
    """What a request asked for, however its JSON was written."""
    sent = orjson.dumps(body.model_dump(exclude_unset=True), option=orjson.OPT_SORT_KEYS)
    head = f"{request.method} {request.url.path}\n".encode()
    return hashlib.sha256(head + sent).digest()
