"""The page of guarantees names tests: each must be there, in the file that it is said to be in."""

import re

from tests.house.sources import ROOT

PAGE = ROOT / "docs" / "guarantees.md"
FILE = re.compile(r"\]\(\.\./(tests/[^)]+\.py)\)")
TEST = re.compile(r"`(test_\w+)`")


def _promises() -> list[str]:
    return re.split(r"^### ", PAGE.read_text().partition("## Not promised")[0], flags=re.M)[1:]


def test_every_promise_says_for_whom_what_it_costs_and_what_proves_it() -> None:
    for promise in _promises():
        for word in ("**Holds for**", "**Costs**", "**Proven by**"):
            assert word in promise, promise.splitlines()[0]
        assert TEST.search(promise), promise.splitlines()[0]


def test_every_test_that_is_named_is_there() -> None:
    for promise in PAGE.read_text().split("\n#"):
        code = "".join((ROOT / path).read_text() for path in FILE.findall(promise))
        missing = [name for name in TEST.findall(promise) if f"def {name}(" not in code]
        assert not missing, promise.splitlines()[0]
