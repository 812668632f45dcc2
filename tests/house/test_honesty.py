"""Tests that cannot fail prove nothing: no skips, no patches of our own code, no promises for later."""

import ast
import re

from tests.house.sources import FLOORS, python, texts, tree

SKIPS = {"skip", "skipif", "xfail", "importorskip", "skipTest"}
PROMISE = re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b")


def _names(node: ast.AST) -> set[str]:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return {name}
        case ast.ImportFrom(module=module, names=names):
            return {str(module), *(alias.name for alias in names)}
        case ast.Import(names=names):
            return {alias.name for alias in names}
    return set()


def _uses(banned: set[str], *folders: str) -> list[str]:
    return [
        f"{path}:{node.lineno} {name}"
        for path in python(*folders)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute | ast.Name | ast.ImportFrom | ast.Import)
        for name in sorted(_names(node) & banned)
    ]


def test_no_test_is_skipped() -> None:
    assert not _uses(SKIPS, "tests")


def test_nothing_is_mocked() -> None:
    assert not _uses({"unittest.mock", "mock", "pytest_mock", "MagicMock", "AsyncMock"}, "tests", *FLOORS)


def test_nothing_is_promised_for_later() -> None:
    found = [f"{path}: {match.group()}" for path, text in texts() for match in PROMISE.finditer(text)]
    assert not found
