"""What the house rules look at: the files that git keeps or would keep."""

import ast
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("hitl", "workers", "api")
GENERATED = {
    ".git",
    ".bench",
    ".venv",
    ".hitl",
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".hypothesis",
}


@cache
def kept() -> tuple[Path, ...]:
    """Every file that is tracked, or new and not ignored; relative to the root."""
    return tuple(sorted(path for path in set(_listed()) if (ROOT / path).is_file()))


def _listed() -> list[Path]:
    if not (ROOT / ".git").exists() or not shutil.which("git"):  # unpacked from an archive
        found = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
        return [path for path in found if not GENERATED.intersection(path.parts)]
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    return [Path(name) for name in listed.decode().split("\0") if name]


def python(*folders: str) -> list[Path]:
    """The Python files below these folders."""
    return [path for path in kept() if path.suffix == ".py" and path.parts[0] in folders]


def texts() -> Iterator[tuple[Path, str]]:
    """Every file that is text, with what it says."""
    for path in kept():
        try:
            yield path, (ROOT / path).read_text()
        except UnicodeDecodeError:
            continue


def lines(path: Path) -> int:
    """How many lines a file has."""
    return len((ROOT / path).read_text().splitlines())


@cache
def tree(path: Path) -> ast.Module:
    """A file, parsed."""
    return ast.parse((ROOT / path).read_text(), str(path))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a file."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
