"""A private RabbitMQ node: own ports, port mapper and cookie, all of it on loopback and in one directory."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hitl.store import leash
from tests.services.folders import throwaway
from tests.services.ports import free_ports, listening

START_SECONDS = 120.0
MISSING = "RabbitMQ is not installed. As root: apt-get install -y --no-install-recommends rabbitmq-server"
# never /usr/sbin: Debian's wrappers there drop the environment and insist on their own user
PLACES = ("/usr/lib/rabbitmq/bin", "/opt/homebrew/opt/rabbitmq/sbin", "/usr/local/opt/rabbitmq/sbin")
CONF = """\
listeners.tcp.local = 127.0.0.1:{port}
loopback_users = none
disk_free_limit.absolute = 50MB
vm_memory_high_watermark.absolute = 512MB
log.console = false
log.file.level = info
heartbeat = 10
"""


class PrivateRabbitMQ:
    """One node. `kill9` and `start` again as often as wanted: what was confirmed is still there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._programs = _find_programs()
        self.port, self._distribution, self._mapper_port = free_ports(3)
        self._node: subprocess.Popen[bytes] | None = None
        self._mapper: subprocess.Popen[bytes] | None = None
        self._write_configuration()

    @property
    def url(self) -> str:
        """Where AMQP clients connect to."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"

    def start(self) -> str:
        """Start the node unless it runs already; returns the URL once AMQP is spoken there."""
        if self._node and self._node.poll() is None:
            return self.url
        if not self._mapper:
            epmd = shutil.which("epmd") or str(self._programs / "epmd")
            self._mapper = self._run(epmd, "-port", str(self._mapper_port), "-address", "127.0.0.1", log="epmd")
        self._node = self._run(str(self._programs / "rabbitmq-server"), log="server")
        deadline = time.monotonic() + START_SECONDS
        while not self._speaks_amqp():
            if self._node.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"RabbitMQ does not start:\n{self._last_words()}")
            time.sleep(0.05)
        return self.url

    def stop(self) -> None:
        """End the node in good order."""
        self._end(signal.SIGTERM)

    def kill9(self) -> None:
        """Kill the node as the kernel would when memory runs out."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """End everything of this node."""
        with suppress(OSError):
            self.kill9()
        if self._mapper:
            self._mapper.kill()
            self._mapper.wait()

    def control(self, *args: str) -> str:
        """Run rabbitmqctl, which takes about two seconds; returns what it printed."""
        command = [str(self._programs / "rabbitmqctl"), "--quiet", *args]
        done = subprocess.run(command, env=self._environment(), cwd=self._folder, capture_output=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"rabbitmqctl {' '.join(args)}: {done.stderr.decode()}{done.stdout.decode()}")
        return done.stdout.decode()

    def fresh_url(self) -> str:
        """The URL of a new, empty virtual host, for a test that must not see the queues of others."""
        name = f"test-{secrets.token_hex(4)}"
        self.control("add_vhost", name)
        self.control("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{name}"

    def await_rooted(self, queue: str) -> None:
        """Wait until a new quorum queue can outlive a kill.

        RabbitMQ writes a quorum queue's name to disk up to a second after it confirmed the declaration and even the
        first messages. Killed before that (seen with 3.10.8), the queue comes back without a leader, for good: every
        use of it times out until it is deleted and declared anew.
        """
        deadline = time.monotonic() + 30.0
        names = list((self._folder / "mnesia").glob("*/quorum/*/names.dets"))
        while not any(f"_{queue}".encode() in path.read_bytes() for path in names):
            if time.monotonic() > deadline:
                raise RuntimeError(f"The queue {queue} is not on disk after 30 seconds.")
            time.sleep(0.05)

    def _end(self, sign: signal.Signals) -> None:
        if not self._node:
            return
        self._node.send_signal(sign)
        self._node.wait(60)
        self._node = None
        while listening(self.port):  # threads of a killed node hold the socket for some milliseconds more
            time.sleep(0.02)

    def _run(self, *command: str, log: str) -> subprocess.Popen[bytes]:
        held = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(int(signal.SIGKILL)), "-1", "-1"]
        with (self._folder / "log" / f"{log}.out").open("ab") as out:
            return subprocess.Popen(
                [*held, *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self._folder,
                env=self._environment(),
                start_new_session=True,
            )

    def _speaks_amqp(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5.0) as peer:
            peer.sendall(b"AMQP\x00\x00\x09\x01")
            return peer.recv(1) == b"\x01"  # a method frame: connection.start
        return False

    def _write_configuration(self) -> None:
        for name in ("mnesia", "log", "generated"):
            (self._folder / name).mkdir()
        (self._folder / "rabbitmq.conf").write_text(CONF.format(port=self.port))
        (self._folder / "rabbitmq-env.conf").write_text("")
        (self._folder / "enabled_plugins").write_text("[].")
        cookie = self._folder / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(16))
        cookie.chmod(0o400)

    def _environment(self) -> dict[str, str]:
        here = self._folder
        quiet = "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(here),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"guardian{self.port}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_MNESIA_BASE": str(here / "mnesia"),
            "RABBITMQ_LOG_BASE": str(here / "log"),
            "RABBITMQ_CONF_ENV_FILE": str(here / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(here / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(here / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(here / "generated"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-kernel inet_dist_use_interface {{127,0,0,1}} {quiet}",
            "RABBITMQ_CTL_ERL_ARGS": "+S 1:1 +sbwt none",
            "RUNNING_UNDER_SYSTEMD": "1",  # the script then becomes the node itself: kill -9 hits what it should
        }

    def _last_words(self) -> str:
        logs = sorted((self._folder / "log").iterdir())
        return "\n".join(log.read_text(errors="replace")[-1500:] for log in logs if log.is_file())


@contextmanager
def private_rabbitmq() -> Iterator[PrivateRabbitMQ]:
    """A node that is not started yet, and gone afterwards."""
    with throwaway("rabbitmq") as folder:
        node = PrivateRabbitMQ(folder)
        try:
            yield node
        finally:
            node.close()


def _find_programs() -> Path:
    for place in (os.environ.get("RABBITMQ_SBIN", ""), *PLACES):
        if place and os.access(Path(place) / "rabbitmq-server", os.X_OK):
            return Path(place)
    raise RuntimeError(MISSING)
