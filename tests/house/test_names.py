"""Names say what is inside; a drawer for everything says nothing."""

import ast
import re

from tests.house.sources import FLOORS, kept, python, tree

DRAWERS = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
BRITISH = re.compile(r"\b\w*(?:moderis|authoris|serialis|organis|initialis|behaviour|colour|favour)\w*", re.I)


def test_no_module_is_a_drawer() -> None:
    drawers = [path for path in kept() if path.suffix == ".py" and DRAWERS & {path.stem, *path.parts[:-1]}]
    assert not drawers


def test_everything_public_has_a_docstring() -> None:
    bare: list[str] = []
    for path in python(*FLOORS):
        module = tree(path)
        if module.body and not ast.get_docstring(module):
            bare.append(str(path))
        bare += [f"{path}:{line} {name}" for line, name in _bare(module)]
    assert not bare


def _bare(holder: ast.Module | ast.ClassDef) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for node in holder.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            if not ast.get_docstring(node) and not _is_overload(node):
                found.append((node.lineno, node.name))
            if isinstance(node, ast.ClassDef):
                found += _bare(node)
    return found


def _is_overload(node: ast.AST) -> bool:
    """Whether its first definition says it all: overloads, overrides and setters."""
    names = {getattr(d, "attr", getattr(d, "id", "")) for d in getattr(node, "decorator_list", [])}
    return bool(names & {"overload", "override", "setter"})


def test_public_docstrings_are_american() -> None:
    british = [
        f"{path}: {word.group()}"
        for path in python(*FLOORS)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        for word in BRITISH.finditer(ast.get_docstring(node) or "")
    ]
    assert not british
