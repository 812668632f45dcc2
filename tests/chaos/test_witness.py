"""The witness keeps exactly the promises that it was told to keep, and its file says what it truly did."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.records import read
from tests.chaos.witness import PROMISES, Temper, Witness

Open = Callable[[Temper], Witness]
KEY, QUERY, NONE = "remove_content", "warn_author", "strike_author"


def call(kind: str, direction: str = "forward", before: Any = None, reverses: str | None = None) -> dict[str, Any]:
    target = "post:1" if kind == KEY else "author:1"
    said: dict[str, Any] = {
        "action_id": "a1" if direction == "forward" else "a2",
        "kind": kind,
        "target": target,
        "params": {},
    }
    return {**said, "direction": direction, "before": before, "reverses": reverses}


@pytest.fixture
def witnesses(tmp_path: Path) -> Iterator[Open]:
    """Opens a witness, each time over the same file."""
    with ExitStack() as stack:
        yield lambda temper: stack.enter_context(closing(Witness(tmp_path / "file", PROMISES, temper)))


def applied(folder: Path) -> list[dict[str, Any]]:
    return [line for line in read(folder / "file") if line["did"] == "applied"]


@pytest.mark.parametrize(("kind", "times", "known"), [(KEY, 1, 200), (QUERY, 2, 200), (NONE, 2, 404)])
def test_a_repeated_key_is_taken_as_promised(
    witnesses: Open, tmp_path: Path, kind: str, times: int, known: int
) -> None:
    witness = witnesses(Temper())

    answers = [witness.act("k1", call(kind))[0] for _ in range(2)]

    assert answers[0] == answers[1] == (200, {"reference": "witness-1", "after": {"in_force": True}})
    assert (len(applied(tmp_path)), witness.find("k1")[0]) == (times, known)
    assert witness.find("k2")[0] == 404


def test_a_reversal_puts_back_what_was_there(witnesses: Open, tmp_path: Path) -> None:
    witness = witnesses(Temper())
    witness.act("k1", call(KEY))
    assert witness.state("post:1") == {KEY: {"in_force": True}}

    witness.act("k2", call(KEY, "reverse", None, "a1"))

    assert witness.state("post:1") == {}


def test_what_it_did_is_still_known_after_a_restart(witnesses: Open, tmp_path: Path) -> None:
    witnesses(Temper()).act("k1", call(KEY))

    again = witnesses(Temper())

    assert again.state("post:1") == {KEY: {"in_force": True}}
    assert again.act("k1", call(KEY))[0] == (200, {"reference": "witness-1", "after": {"in_force": True}})
    assert len(applied(tmp_path)) == 1


def test_faults_come_at_their_rates_and_again_with_the_same_seed() -> None:
    temper = Temper(seed=7, stall=0.1, drop=0.2, error=0.3)
    drawn = [temper.fault(f"k{n}", 1) for n in range(2000)]

    assert drawn == [Temper(seed=7, stall=0.1, drop=0.2, error=0.3).fault(f"k{n}", 1) for n in range(2000)]
    assert drawn != [Temper(seed=8, stall=0.1, drop=0.2, error=0.3).fault(f"k{n}", 1) for n in range(2000)]
    shares = [drawn.count(fault) / 2000 for fault in ("stall", "drop", "error")]
    assert shares == pytest.approx([0.1, 0.2, 0.3], abs=0.03)


def test_a_fault_befalls_the_answer_and_never_the_effect(witnesses: Open, tmp_path: Path) -> None:
    witness = witnesses(Temper(drop=0.5, error=0.5))

    assert {witness.act(f"k{n}", call(KEY))[1] for n in range(20)} == {"drop", "error"}
    assert len(applied(tmp_path)) == 20
