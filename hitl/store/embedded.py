"""A private Postgres, supervised: our own child on this machine alone, which dies with us and heals after a crash."""

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from hitl.errors import Unavailable
from hitl.store import leash
from hitl.store.embedded_address import Address, answers, running_url
from hitl.store.embedded_home import settle
from hitl.store.embedded_lock import Lock
from hitl.store.embedded_remains import clear_remains

__all__ = ["EmbeddedPostgres", "running_url"]

START_SECONDS = 120.0  # recovery after a crash replays the log first
STOP_SECONDS = 30.0
TRIES = 5  # first starts in a row that may fail before we give up
LOG_BYTES = 5_000_000
# While a new segment of the log is written full of zeros, every commit waits: 60 ms for the usual 16 MB, 5 ms for 4.
SEGMENT_MB = 4
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_compression": "on",
    # what initdb writes for these is counted in segments
    "max_wal_size": "1GB",
    "min_wal_size": "80MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # what people wrote stays out of the log: errors quote statements and values
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class EmbeddedPostgres:
    """The Postgres of one data directory, with one owner at a time. It is started again when it falls."""

    def __init__(self, root: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self._root = root
        self._settings = {**SETTINGS, **(settings or {})}
        self._home = settle(root)
        self._address = Address(self._home.path)
        self._lock: Lock | None = None
        self._keeper: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()  # no new process once a stop has begun
        self._stopping = threading.Event()
        self._proven = False  # it worked once, so it is worth every further try

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Its address, password included."""
        return self._address.url

    @property
    def tcp_url(self) -> str:
        """The same over TCP."""
        return self._address.tcp_url

    @property
    def home(self) -> Path:
        """The directory that everything lies in; mostly, but not always, below the data directory."""
        return self._home.path

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, None when it is down."""
        process = self._process
        return process.pid if process and process.poll() is None else None

    def start(self) -> str:
        """Start it, making the cluster first if there is none; returns the URL. Unavailable says why it cannot."""
        if self._lock:
            return self.url
        self._lock = Lock.take(self.home, self._root)
        atexit.register(self.stop)
        try:
            (self.home / "bells").mkdir(mode=0o700, exist_ok=True)  # see store/bells.py
            self._initialize()
            self._stopping.clear()
            self._keeper = threading.Thread(target=self._keep, name="embedded-postgres", daemon=True)
            self._keeper.start()
            self._await_answer(self._keeper)
        except BaseException:
            self.stop()
            raise
        return self.url

    def stop(self) -> None:
        """End it cleanly, wait until it is gone, and let go of the directory. Stopping twice is fine."""
        with self._turn:
            self._stopping.set()
            process = self._process
        if process:
            _end(process)
        if self._keeper:
            self._keeper.join()
            self._keeper = None
        if self._lock:
            self._address.withdraw()
            self._lock.release()
            self._lock = None
        atexit.unregister(self.stop)

    def _keep(self) -> None:
        """Hold it up until told to stop; in one thread to the end, because the leash is tied to the thread."""
        failures = 0
        while (self._proven or failures < TRIES) and not self._stopping.wait(min(0.1 * failures, 5.0)):
            began = time.monotonic()
            self._serve()
            failures = failures + 1 if time.monotonic() - began < 5.0 else 0

    def _serve(self) -> None:
        """Start it once and wait for its end."""
        clear_remains(self._home.data, STOP_SECONDS)  # a busy backend outlives its postmaster and bars the next
        try:
            with self._turn:
                if self._stopping.is_set():
                    return
                process = self._process = self._launch()
        except (OSError, Unavailable):  # a full disk, say: whoever frees it finds Postgres up again
            return
        process.wait()

    def _launch(self) -> subprocess.Popen[bytes]:
        port = self._address.announce()
        settings = {"unix_socket_directories": self._sockets(), **self._settings}
        options = [f"--{name}={value}" for name, value in settings.items()]
        return self._run("postgres", "-D", str(self._home.data), "-p", str(port), *options)

    def _sockets(self) -> str:
        """A fresh directory for its socket, so that nothing a crash left there bars the way; "" for none."""
        directory = self._address.sockets
        if directory is None:
            return ""
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        self._home.give(directory)
        return str(directory)

    def _run(self, program: str, *args: str) -> subprocess.Popen[bytes]:
        account = self._home.account
        who = (str(account.uid), str(account.gid)) if account else ("-1", "-1")
        held = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(int(signal.SIGINT)), *who]
        with self._log().open("ab") as out:
            return subprocess.Popen(
                [*held, str(self._home.binaries / program), *args],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self.home,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},  # no PGDATA of others, none of our keys
                start_new_session=True,  # Ctrl-C is ours to pass on, after the workers
            )

    def _initialize(self) -> None:
        """Make the cluster beside its place and move it in whole, so that a crash never leaves half of one."""
        if (self._home.data / "PG_VERSION").exists():
            return
        for half_made in self.home.glob("making-*"):
            shutil.rmtree(half_made, ignore_errors=True)
        self._address.new_password()
        secret = self._address.password_file
        making = Path(tempfile.mkdtemp(prefix="making-", dir=self.home))
        self._home.give(secret)
        self._home.give(making)
        options = ["-U", "postgres", "-A", "scram-sha-256", "--pwfile", str(secret), "-E", "UTF8", "--locale=C"]
        options.append(f"--wal-segsize={SEGMENT_MB}")
        if self._run("initdb", "-D", str(making), *options).wait() != 0:
            raise Unavailable(f"The database could not be made in {self.home}:\n{self._log_tail()}")
        making.rename(self._home.data)

    def _await_answer(self, keeper: threading.Thread) -> None:
        deadline = time.monotonic() + START_SECONDS
        while keeper.is_alive() and time.monotonic() < deadline:
            if self.pid and answers(self.url):
                self._proven = True
                return
            time.sleep(0.05)
        raise Unavailable(f"The embedded Postgres in {self.home} does not start:\n{self._log_tail()}")

    def _log(self) -> Path:
        log = self.home / "log"
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_name("log.old"))
        log.touch(0o600)
        return log

    def _log_tail(self) -> str:
        return "\n".join(self._log().read_text(errors="replace").splitlines()[-8:])


def _end(process: subprocess.Popen[bytes]) -> None:
    """Fast shutdown; immediate when that takes too long (the next start then recovers)."""
    for sign, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)):
        if process.poll() is None:
            process.send_signal(sign)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return
