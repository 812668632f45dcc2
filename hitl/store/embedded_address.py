"""How an embedded Postgres is found again: its port and password are kept in files that only its owner can read.

It is spoken to through a Unix socket: a statement costs both sides less than over TCP, even to this machine itself.
"""

import os
import secrets
import socket
from pathlib import Path
from urllib.parse import quote

import psycopg

from hitl.errors import Unavailable
from hitl.store.embedded_home import find_home

LONGEST = 103  # bytes of a Unix socket's path: of Linux's 107, what other systems have too


class Address:
    """The files `port`, `password` and `url` of one home; `url` is there only while the server is meant to run."""

    def __init__(self, home: Path) -> None:
        self._home = home

    @property
    def url(self) -> str:
        """The address, password included."""
        if self.sockets is None:
            return self.tcp_url
        where = f"host={quote(str(self.sockets), safe='')}&port={self._port}"
        return f"postgresql://postgres:{_read(self.password_file)}@/postgres?{where}"

    @property
    def tcp_url(self) -> str:
        """The same server, over TCP: for those who cannot use a Unix socket, and whatever comes between."""
        return f"postgresql://postgres:{_read(self.password_file)}@127.0.0.1:{self._port}/postgres"

    @property
    def sockets(self) -> Path | None:
        """The directory of its Unix socket; None where the path would be too long for one, or be read as several."""
        directory = self._home / "socket"
        fits = len(os.fsencode(directory / ".s.PGSQL.65535")) <= LONGEST
        return directory if fits and not set(',"') & set(str(directory)) else None

    @property
    def _port(self) -> str:
        return _read(self._home / "port")

    @property
    def password_file(self) -> Path:
        """Where the superuser's password is kept."""
        return self._home / "password"

    def new_password(self) -> None:
        """Choose a password, before the cluster is made."""
        _write_private(self.password_file, secrets.token_urlsafe(24))

    def announce(self) -> int:
        """Choose the port, last time's if it is still free, and let `running_url` find it."""
        kept = self._home / "port"
        port = _free_port(int(_read(kept)) if kept.exists() else 0)
        _write_private(kept, str(port))
        _write_private(self._home / "url", self.url)
        return port

    def withdraw(self) -> None:
        """The server is down on purpose."""
        (self._home / "url").unlink(missing_ok=True)


def running_url(data_dir: Path) -> str | None:
    """The URL of the embedded Postgres that some process runs for `data_dir`; None when none answers."""
    try:
        home = find_home(data_dir, create=False)
        url = _read(home / "url") if home else ""
    except OSError:  # never started, or another account's
        return None
    return url if url and answers(url) else None


def answers(url: str) -> bool:
    """Whether a Postgres at `url` lets us in."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Unavailable("No free port is left on 127.0.0.1 for the embedded Postgres.")


def _read(path: Path) -> str:
    return path.read_text().strip()


def _write_private(path: Path, text: str) -> None:
    """Replace a file in one step; nobody but its owner may read it."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{text}\n")
    fresh.replace(path)
