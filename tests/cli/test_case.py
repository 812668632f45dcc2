"""`hitl case` and `hitl retry`, straight on the database."""

import json
from collections.abc import Iterator

import pytest

from hitl.directory import DEV
from hitl.domain.events import UPKEEP
from hitl.operations import runs
from hitl.operations.backlog import Backlog
from hitl.operations.start import StartRequest, start
from hitl.store import cases, commands
from hitl.store.postgres import Store
from tests.cli.conftest import Run

TEXT = "Good morning, everybody."


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    found = Store(database_url, size=2)
    yield found
    found.close()


def _start(store: Store, content_id: str = "post-1") -> str:
    with store.transaction() as tx:
        request = StartRequest(TEXT, content_id=content_id)
        return str(start(tx, DEV["dev-author"], request, backlog=Backlog(10))["case_id"])


def _fail(store: Store, case_id: str) -> None:
    with store.transaction() as tx:
        case = cases.lock(tx, case_id)
        last = commands.last(tx, case_id)
        assert last is not None
        commands.give_up(tx, last["command_id"], "attempts-used-up")
        runs.failed(tx, case, "attempts-used-up", "Its worker died each time.", UPKEEP)


def test_cases_are_listed_newest_first(run: Run, store: Store) -> None:
    first, second = _start(store, "post-1"), _start(store, "post-2")
    shown = run("case", "list", HITL_DATABASE_URL=store.url)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.index(second) < shown.stdout.index(first)
    found = json.loads(run("case", "list", "--json", "--limit", "1", HITL_DATABASE_URL=store.url).stdout)
    assert [case["case_id"] for case in found] == [second]
    none = run("case", "list", "--status", "failed", HITL_DATABASE_URL=store.url)
    assert "no such cases" in none.stdout
    assert run("case", "list", "--status", "odd", HITL_DATABASE_URL=store.url).exit_code == 2


def test_the_text_is_shown_only_when_asked_for(run: Run, store: Store) -> None:
    case_id = _start(store)
    assert TEXT not in run("case", "show", case_id, HITL_DATABASE_URL=store.url).stdout
    assert TEXT in run("case", "show", case_id, "--content", HITL_DATABASE_URL=store.url).stdout


def test_what_cannot_be_shown_steers_no_terminal(run: Run, store: Store) -> None:
    _start(store, "\x1b[2Jgone\N{RIGHT-TO-LEFT OVERRIDE}")
    shown = run("case", "list", HITL_DATABASE_URL=store.url).stdout
    assert "\x1b" not in shown
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in shown


def test_events_tell_the_story(run: Run, store: Store) -> None:
    case_id = _start(store)
    _fail(store, case_id)
    told = json.loads(run("case", "events", case_id, "--json", HITL_DATABASE_URL=store.url).stdout)
    assert [event["seq"] for event in told] == [1, 2]
    assert "case_failed" in run("case", "events", case_id, "--after", "1", HITL_DATABASE_URL=store.url).stdout


@pytest.mark.parametrize("case_id", ["nonsense", "00000000-0000-7000-8000-000000000000", "\x1b[2J"])
def test_a_case_that_is_not_there(run: Run, store: Store, case_id: str) -> None:
    for command in (("case", "show"), ("case", "events"), ("retry",)):
        result = run(*command, case_id, HITL_DATABASE_URL=store.url)
        assert result.exit_code == 1, result.output
        assert result.stderr.startswith("Error: There is no")
        assert "\x1b" not in result.stderr


def test_a_failed_case_is_tried_again(run: Run, store: Store) -> None:
    case_id = _start(store)
    refused = run("retry", case_id, HITL_DATABASE_URL=store.url)
    assert (refused.exit_code, "Only a failed case" in refused.stderr) == (1, True)
    _fail(store, case_id)
    assert run("retry", case_id, HITL_DATABASE_URL=store.url).exit_code == 0
    events = run("case", "events", case_id, HITL_DATABASE_URL=store.url).stdout
    assert "case_retried" in events
    assert "person cli" in events


def test_all_failed_cases_are_tried_again(run: Run, store: Store) -> None:
    for number in range(3):
        _fail(store, _start(store, f"post-{number}"))
    _start(store, "post-4")
    done = run("retry", "--all", HITL_DATABASE_URL=store.url)
    assert done.exit_code == 0, done.output
    assert "3 of 3" in done.stdout
    assert "0 of 0" in run("retry", "--all", HITL_DATABASE_URL=store.url).stdout
