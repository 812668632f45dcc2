"""Who belongs to a token: a file of hashes, or the development tokens while there is no such file."""

import hashlib
import json
import threading
from pathlib import Path
from typing import Any, get_args

import structlog

from hitl.domain.people import Person, Role
from hitl.errors import Invalid

DEV: dict[str, Person] = {
    name: Person(name, frozenset(roles))
    for name, roles in {
        "dev-author": ("author", "service"),
        "dev-author-2": ("author",),
        "dev-moderator": ("moderator",),
        "dev-moderator-2": ("moderator",),
        "dev-supervisor": ("supervisor",),
        "dev-supervisor-2": ("supervisor",),
        "dev-admin": ("admin",),
    }.items()
}
log = structlog.get_logger(__name__)
Mark = tuple[int, int, int]


class Directory:
    """Finds people by their tokens; follows the file as it changes, and raises Invalid while it is broken."""

    def __init__(self, tokens: Path | None) -> None:
        self._path = tokens
        self._lock = threading.Lock()
        self._mark: Mark | None = None
        self._people: dict[str, Person] = {}

    @property
    def dev(self) -> bool:
        """Whether the development tokens are the ones that count."""
        return self._path is None

    def by_token(self, token: str) -> Person | None:
        """The person whose token this is; comparing hashes gives nothing away about any token."""
        if self._path is None:
            return DEV.get(token)
        return self._now(self._path).get(digest(token))

    def everyone(self) -> list[Person]:
        """Everybody who has a token, once each, with the roles of all their tokens."""
        if self._path is None:
            return list(DEV.values())
        self._now(self._path)
        return self._grouped()

    def _grouped(self) -> list[Person]:
        roles: dict[tuple[str, str], frozenset[str]] = {}
        for person in self._people.values():
            key = (person.tenant, person.id)
            roles[key] = roles.get(key, frozenset()) | person.roles
        return [Person(name, held, tenant) for (tenant, name), held in roles.items()]

    def known(self) -> list[Person]:
        """The same; while the file is broken or gone, everybody whom it named when it could last be read.

        For work that must not stop over a slip in the file. Raises Invalid as long as it could never be read.
        """
        try:
            return self.everyone()
        except Invalid as trouble:
            if self._mark is None:
                raise
            log.warning("the token file cannot be read; the people it named before still count", error=trouble.detail)
            return self._grouped()

    def _now(self, path: Path) -> dict[str, Person]:
        with self._lock:
            mark = _mark(path)
            if mark != self._mark:
                self._people, self._mark = _read(path), mark
            return self._people


def digest(token: str) -> str:
    """What the file keeps of a token: its SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def _mark(path: Path) -> Mark:
    try:
        found = path.stat()
    except OSError as error:
        raise Invalid(f"The token file {path} cannot be read: {error.strerror}.") from None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> dict[str, Person]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Invalid(f"The token file {path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise Invalid(f"The token file {path} is not JSON: {error}.") from None
    if not isinstance(rows, list):
        raise Invalid(f"The token file {path} must hold a list of {{sha256, person, roles, tenant}}.")
    return dict(_entry(path, number, row) for number, row in enumerate(rows, start=1))


def _entry(path: Path, number: int, row: Any) -> tuple[str, Person]:
    known = get_args(Role)
    where = f"Entry {number} of the token file {path}"
    if not isinstance(row, dict) or not all(isinstance(row.get(k), str) for k in ("sha256", "person")):
        raise Invalid(f"{where} needs sha256, person, roles and tenant.")
    roles, tenant = row.get("roles"), row.get("tenant", "default")
    if not isinstance(roles, list) or not roles or any(r not in known for r in roles):
        raise Invalid(f"{where} needs roles: one or more of {', '.join(known)}.")
    if len(row["sha256"]) != 64 or not row["person"] or not isinstance(tenant, str) or not tenant:
        raise Invalid(f"{where} needs a sha256 of 64 hex digits, a person and a tenant that are not empty.")
    return row["sha256"].lower(), Person(row["person"], frozenset(roles), tenant)
