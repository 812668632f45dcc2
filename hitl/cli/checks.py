"""What `hitl doctor` looks at: each check says what it found, and how to mend what is wrong."""

import shutil
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from hitl.analyzers.factory import build as build_analyzer
from hitl.analyzers.port import AnalyzerUnavailable
from hitl.cli.banner import without_password
from hitl.directory import Directory
from hitl.domain.cases import GRAPH_VERSIONS
from hitl.domain.people import Role
from hitl.errors import GuardianError
from hitl.runtime import check_exposure, database_url
from hitl.settings import Settings
from hitl.store import events, workers
from hitl.store.migrate import pending
from hitl.store.postgres import Store, Tx

Grade = Literal["ok", "warn", "fail"]
AMQP = b"AMQP\x00\x00\x09\x01"
OLDEST_POSTGRES = 15
SCARCE, TIGHT = 1_000_000_000, 100_000_000  # bytes of disk


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `mend` says what to do unless all is well."""

    what: str
    grade: Grade
    found: str
    mend: str = ""


def everything(settings: Settings) -> Iterator[Finding]:
    """All checks, in the order in which trouble should be mended."""
    yield from _safely("settings", lambda: _exposure(settings))
    yield from _safely("tokens", lambda: _tokens(settings))
    yield from _safely("database", lambda: _database(settings))
    if settings.broker_url:
        yield broker(settings.broker_url)
    else:
        yield Finding("broker", "ok", "embedded: nothing to install")
    yield analyzer(settings)
    yield disk(settings.data_dir)


def _safely(what: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except GuardianError as error:
        yield Finding(what, "fail", error.detail.split(". ")[0], ". ".join(error.detail.split(". ")[1:]))


def _exposure(settings: Settings) -> Iterator[Finding]:
    check_exposure(settings)
    yield Finding("settings", "ok", f"listens on {settings.host}, port {settings.port}")


def _tokens(settings: Settings) -> Iterator[Finding]:
    people = Directory(settings.tokens)
    known = people.everyone()
    if people.dev:
        yield Finding("tokens", "ok", "development tokens, on this machine alone")
        return
    wanted: tuple[Role, ...] = ("moderator", "supervisor")
    for role in wanted:
        if not any(person.has(role) for person in known):
            mend = f"hitl token create NAME --role {role}"
            yield Finding("tokens", "warn", f"nobody in {settings.tokens} is a {role}: reviews would wait", mend)
    yield Finding("tokens", "ok", f"{len(known)} people in {settings.tokens}")


def _database(settings: Settings) -> Iterator[Finding]:
    url = database_url(settings)
    store = Store(url, size=1)
    try:
        with store.transaction() as tx:
            yield _version(tx, url)
        lacking = pending(url)
        if lacking:
            yield Finding("migrations", "fail", f"missing: {', '.join(lacking)}", "hitl migrate")
            return
        yield Finding("migrations", "ok", "none missing")
        with store.transaction() as tx:
            yield _events(tx)
            yield from _graphs(tx)
            yield _workers(tx)
    finally:
        store.close()


def _version(tx: Tx, url: str) -> Finding:
    number = tx.conn.info.server_version // 10_000
    found = f"PostgreSQL {number} at {without_password(url)}"
    if number < OLDEST_POSTGRES:
        return Finding("database", "warn", found, f"Guardian is tested with {OLDEST_POSTGRES} and newer; upgrade.")
    return Finding("database", "ok", found)


def _events(tx: Tx) -> Finding:
    if events.foreign(tx) is None:
        return Finding("events", "ok", "streams show all of them")
    return Finding("events", "fail", "restored from another server: streams would not show them", "hitl migrate")


def _graphs(tx: Tx) -> Iterator[Finding]:
    served = workers.served(tx)
    for name, version in GRAPH_VERSIONS.items():
        newest = workers.newest_version(tx, name)
        if newest is None:
            yield Finding("graphs", "warn", f"{name} is not registered yet", "Start a worker once; it registers.")
        elif served and f"{name}@{version}" not in served:
            yield Finding("graphs", "warn", f"no worker serves {name}@{version}", "Update the workers to this version.")
        else:
            yield Finding("graphs", "ok", f"{name}@{newest} is registered")


def _workers(tx: Tx) -> Finding:
    alive = workers.alive(tx)
    found = f"{alive['workers']} workers, {alive['relays']} relays"
    if not alive["workers"]:
        return Finding("workers", "warn", "none is running: posts wait", "hitl up, or dramatiq workers")
    if not alive["relays"]:
        return Finding("workers", "warn", f"{found}: posts wait", "hitl relay, or HITL_RELAY=on for the workers")
    return Finding("workers", "ok", found)


def broker(url: str) -> Finding:
    """Whether AMQP is spoken there; user and password are not tried, which only workers can."""
    shown = without_password(url)
    try:
        parts = urlsplit(url)
        secure = parts.scheme == "amqps"
        host, port = parts.hostname or "localhost", parts.port or (5671 if secure else 5672)
        if parts.scheme not in ("amqp", "amqps"):
            raise ValueError
    except ValueError:
        return Finding("broker", "fail", f"{shown} is no AMQP URL", "HITL_BROKER_URL=amqp://user:password@host:5672/")
    try:
        if _speaks_amqp(host, port, secure=secure):
            return Finding("broker", "ok", f"AMQP is spoken at {shown}; the password was not tried")
        found = f"something at {host}:{port} does not speak AMQP"
    except OSError as error:
        found = f"{host}:{port} does not answer: {error.strerror or error}"
    return Finding("broker", "fail", found, "Start RabbitMQ there, correct HITL_BROKER_URL, or unset it.")


def _speaks_amqp(host: str, port: int, *, secure: bool) -> bool:
    with socket.create_connection((host, port), timeout=5.0) as plain:
        peer = ssl.create_default_context().wrap_socket(plain, server_hostname=host) if secure else plain
        peer.sendall(AMQP)
        return peer.recv(1) == b"\x01"  # a method frame: connection.start


def analyzer(settings: Settings) -> Finding:
    """Whether posts could be read now."""
    mend = "See HITL_ANALYZER in .env.example; until it is mended every post goes to people."
    try:
        key, base = settings.groq_api_key, settings.groq_base_url
        said = build_analyzer(settings.analyzer, groq_api_key=key, groq_base_url=base).check()
    except AnalyzerUnavailable as trouble:
        return Finding("analyzer", "fail", f"{settings.analyzer}: {trouble}", mend)
    except GuardianError as trouble:
        return Finding("analyzer", "fail", trouble.detail, mend)
    grade: Grade = "warn" if settings.analyzer.startswith("stub:") else "ok"
    return Finding("analyzer", grade, said, "HITL_ANALYZER=local reads posts for real." if grade == "warn" else "")


def disk(data_dir: Path) -> Finding:
    """Whether the data can grow."""
    place = data_dir.resolve()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    grade: Grade = "fail" if free < TIGHT else "warn" if free < SCARCE else "ok"
    mend = "" if grade == "ok" else "Make room, or move HITL_DATA_DIR to another disk."
    return Finding("disk", grade, f"{free / 1e9:.1f} GB free for {data_dir}", mend)
