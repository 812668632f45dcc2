"""Peers get directories of their own, filled from pinned and hashed files, made again only when those change."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.places import REQUIREMENTS, VENVS
from bench.pythons import described

UV = Path(sys.executable).with_name("uv")


class NotInstallable(RuntimeError):
    """Why a peer cannot be had on this machine."""


def venv(name: str, oldest: tuple[int, int] = (3, 11)) -> Path:
    """The bin directory of a venv that holds exactly `requirements/NAME.lock`, on a Python not older than that."""
    place, lock = VENVS / name, REQUIREMENTS / f"{name}.lock"
    if not _current(place, lock):
        shutil.rmtree(place, ignore_errors=True)
        _run([str(UV), "venv", "-q", "--no-python-downloads", "--python", _python(oldest), str(place)])
        interpreter = str(place / "bin" / "python")
        packages = ["--require-hashes", "--no-deps", "-r", str(lock)]
        try:
            _run([str(UV), "pip", "install", "-q", "--python", interpreter, *packages])
        except NotInstallable:  # uv is kept from the index that pip is told of
            _run([sys.executable, "-m", "pip", "--python", interpreter, "install", "-qq", *packages])
        _run([interpreter, "-m", "compileall", "-q", str(place / "lib")], well=(0, 1))
        _stamp(place, lock)
    return place / "bin"


def node_modules(name: str) -> Path:
    """The directory of what `requirements/NAME/package-lock.json` locks; its install scripts are not run."""
    place, source = VENVS / f"{name}-node", REQUIREMENTS / name
    lock = source / "package-lock.json"
    if not _current(place, lock):
        if not shutil.which("npm"):
            raise NotInstallable("npm is not on this machine")
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(source, place)
        install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(place)]
        try:
            _run(install)
        except NotInstallable:  # Node knows its own certificate authorities only, not those of this machine
            _run(["env", "NODE_OPTIONS=--use-openssl-ca", *install])
        _stamp(place, lock)
    return place / "node_modules"


def versions(name: str, packages: Sequence[str]) -> dict[str, str]:
    """The versions of some packages, as the venv's lock has them, and its Python."""
    pins = (line.split()[0] for line in (REQUIREMENTS / f"{name}.lock").read_text().splitlines() if "==" in line)
    found = dict(pin.split("==") for pin in pins)
    own = {"Python": described(VENVS / name / "bin" / "python")}
    return {package: found[package] for package in packages} | own


def rabbitmq() -> dict[str, str]:
    """The version of the RabbitMQ that the operating system has, as its directory is named."""
    places = (Path(os.environ.get("RABBITMQ_SBIN") or "/usr/lib/rabbitmq/bin"), Path("/opt/homebrew/opt/rabbitmq/sbin"))
    found = [lib.name for place in places for lib in place.resolve().parent.glob("**/rabbitmq_server-*")]
    return {"rabbitmq-server": found[0].partition("-")[2]} if found else {}


def _python(oldest: tuple[int, int]) -> str:
    """Our own Python, or another one of this machine that is new enough."""
    if sys.version_info >= oldest:
        return sys.executable
    asked = f"import sys; sys.exit(sys.version_info < {oldest})"
    named = [shutil.which(f"python3.{minor}") for minor in range(oldest[1], oldest[1] + 3)]
    kept = sorted(map(str, Path.home().glob(".pyenv/versions/3.*/bin/python")))
    for python in filter(None, [*named, *kept]):
        if subprocess.run([python, "-c", asked], capture_output=True, check=False).returncode == 0:
            return python
    raise NotInstallable(f"it needs Python {'.'.join(map(str, oldest))}, which is not on this machine")


def _current(place: Path, lock: Path) -> bool:
    stamp = place / ".stamp"
    return stamp.exists() and stamp.read_text() == _digest(lock)


def _stamp(place: Path, lock: Path) -> None:
    (place / ".stamp").write_text(_digest(lock))


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes() + str(lock).encode()).hexdigest()


def _run(command: Sequence[str], well: Sequence[int] = (0,)) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise NotInstallable(str(error)) from error
    if done.returncode not in well:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise NotInstallable(f"{Path(command[0]).name} failed: {' '.join(said[-3:])[:300]}")
