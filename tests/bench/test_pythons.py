import platform
import sys

import pytest

from bench.pythons import described, pace


def test_a_python_is_named_with_what_its_loop_takes() -> None:
    version, _, timed = described(sys.executable).partition(" ")
    assert version == platform.python_version()
    assert int(timed.removeprefix("(fixed loop: ").removesuffix(" ms)")) > 0


def test_one_that_is_not_there_is_not_described() -> None:
    with pytest.raises(FileNotFoundError):
        described("/nowhere/python")


def test_the_pace_is_that_of_the_same_loop() -> None:
    alone = int(described(sys.executable).partition("fixed loop: ")[2].removesuffix(" ms)"))
    assert pace() > alone / 3, "in milliseconds, and no core is faster than one by itself"
