"""Who is asking: a bearer token, or a development token on this machine alone."""

import ipaddress
import re
from functools import lru_cache
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param

from api.desk import Desk, TheDesk
from api.errors import Problem
from hitl.domain.people import Person
from hitl.errors import Invalid, Unavailable

HOST = re.compile(rb"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?\Z", re.IGNORECASE)
FORWARDING = frozenset({b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"true-client-ip", b"cf-connecting-ip"})
bearer = HTTPBearer(
    auto_error=False,
    description="A token from `hitl token create`. Without HITL_TOKENS, on this machine alone: dev-author (also a"
    " service), dev-author-2, dev-moderator, dev-moderator-2, dev-supervisor, dev-supervisor-2, dev-admin.",
)


async def caller(
    request: Request,
    desk: TheDesk,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
) -> Person:
    """The person whose token came with the request; 401 for everybody else."""
    return recognized(request, desk, credentials.credentials if credentials else None)


def recognized(request: Request, desk: Desk, token: str | None) -> Person:
    """The person whose token this is; 401 when there is none, or when it may not be used from there."""
    if token is None:
        raise _unauthorized("Send Authorization: Bearer <token>.", error=None)
    if desk.runtime.people.dev and (objection := foreign(request)):
        raise _unauthorized(
            f"Development tokens work only between this machine and itself; {objection}. "
            "Set HITL_TOKENS to a file that `hitl token create` writes, and use a token from there."
        )
    try:
        person = desk.runtime.people.by_token(token)
    except Invalid as error:
        raise Unavailable("Nobody can be recognized: the token file cannot be used.") from error
    if person is None:
        known = " Known here: dev-author, dev-moderator, dev-supervisor …" if desk.runtime.people.dev else ""
        raise _unauthorized(f"This token is not known.{known}")
    return person


def token_of(request: Request) -> str | None:
    """The bearer token that a request carries."""
    sent = next((value for name, value in request.scope["headers"] if name == b"authorization"), b"")
    scheme, token = get_authorization_scheme_param(sent.decode("latin-1"))
    return token if token and scheme.lower() == "bearer" else None


def bearer_of(request: Request) -> str:
    """The token that came with a request that `caller` has let in."""
    return request.headers["authorization"].partition(" ")[2].strip()


Caller = Annotated[Person, Security(caller)]


def foreign(request: Request) -> str | None:
    """What shows that a request may not come from this machine itself; None when nothing does."""
    for name, address in (("server", request.scope.get("server")), ("client", request.scope.get("client"))):
        if not (address and loopback(address[0])):
            return f"the {name}'s address is not loopback"
    hosts = []
    for name, value in request.scope["headers"]:
        if name == b"host":
            hosts.append(value)
        elif name in FORWARDING or name.startswith(b"x-forwarded-"):
            return f"the header {name.decode('latin-1')} says that a proxy passed this on"
    if len(hosts) != 1 or not HOST.match(hosts[0]):
        return "the Host header does not name loopback"
    return None


@lru_cache(1024)
def loopback(host: str) -> bool:
    """Whether an address, or the name localhost, stays on this machine."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _unauthorized(detail: str, error: str | None = "invalid_token") -> Problem:
    challenge = f'Bearer realm="guardian", error="{error}"' if error else 'Bearer realm="guardian"'
    return Problem(401, "unauthorized", detail, {"WWW-Authenticate": challenge})
