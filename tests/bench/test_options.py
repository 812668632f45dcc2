import json
from pathlib import Path

import pytest

from bench import plan
from bench.options import parse
from bench.sizes import Sizes
from bench.systems.catalog import SYSTEMS


def test_with_nothing_said_everything_is_measured() -> None:
    options = parse([])

    assert (options.systems, options.scenarios, options.sizes) == (tuple(SYSTEMS), plan.SCENARIOS, Sizes())


def test_a_run_goes_on_with_what_it_was_asked_for(tmp_path: Path) -> None:
    asked = ["--systems", "restate", "--scenarios", "gentle", "--rounds", "2", "--closed", "0,50", "--no-page"]
    file = tmp_path / "results.jsonl"
    file.write_text(json.dumps({"about": {}, "arguments": asked, "absent": {}}) + "\n")

    options = parse(["--resume", str(file)])

    assert (options.systems, options.scenarios, options.rounds) == (("restate",), ("gentle",), 2)
    assert (options.sizes.closed, options.page, options.resumed) == ((0, 50), False, file)
    assert options.given == tuple(asked)


def test_what_was_never_begun_cannot_go_on(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        parse(["--resume", str(tmp_path / "nothing.jsonl")])


def test_a_quick_run_writes_no_page() -> None:
    assert not parse(["--quick"]).page


def test_an_unknown_system_is_refused() -> None:
    with pytest.raises(SystemExit):
        parse(["--systems", "nobody"])
