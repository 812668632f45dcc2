"""A file stops at 250 lines, a function at 40: beyond that nobody reads it in one go."""

from tests.house.sources import FLOORS, functions, lines, python


def test_no_file_is_too_long() -> None:
    limits = {**dict.fromkeys(python(*FLOORS), 250), **dict.fromkeys(python("tests", "bench"), 400)}
    assert not [f"{path}: {lines(path)} lines" for path, limit in limits.items() if lines(path) > limit]


def test_no_function_is_too_long() -> None:
    long = [
        f"{path}:{function.lineno} {function.name}: {length} lines"
        for path in python(*FLOORS)
        for function in functions(path)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > 40
    ]
    assert not long
