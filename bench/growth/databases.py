"""`python -m bench.growth.databases URL CLOSED WAITING`: a database of that URL's server, made and filled."""

import sys
from urllib.parse import urlsplit

import psycopg

from bench.growth import filling
from bench.growth.core import Core
from hitl.store.migrate import migrate


def made(server: str, name: str) -> str:
    """A new database on this server; its URL."""
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(f"create database {name}".encode())
    url = urlsplit(server)._replace(path=f"/{name}").geturl()
    migrate(url)
    return url


def filled(url: str, kind: str, cases: list[str], many: int) -> None:
    """So many cases of a kind, and what autovacuum would have done by then."""
    seconds = filling.fill(url, kind, cases, many)
    filling.analyze(url)
    print(f"{many:,} {kind} cases in {seconds:.0f} s", flush=True)


def templates(url: str) -> dict[str, list[str]]:
    """The cases that are copied, by kind."""
    core = Core(url)
    try:
        return filling.templates(core)
    finally:
        core.close()


def main() -> None:
    """Make it, fill it, and wait until it is on the disk."""
    server, closed, waiting = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    url = made(server, f"growth_{closed}")
    for kind, cases in templates(url).items():
        filled(url, kind, cases, {"closed": closed, "waiting": waiting}[kind])
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("checkpoint")
    print(url)


if __name__ == "__main__":
    main()
