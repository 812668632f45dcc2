"""Logs: one record is one line, ids are on it, and what people wrote is not."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from hitl.domain.verdicts import Post
from hitl.telemetry import logs

CANARY = "sesquipedalian-marmot"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = before
    root.setLevel(level)


def _records(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_records_carry_the_bound_ids(stream: io.StringIO) -> None:
    logs.configure("json", stream)
    with logs.bound(case_id="c-1", command_id=7):
        logs.get("hitl.graphs").info("case_started", attempts=1)
    logs.get("hitl.graphs").info("idle")
    inside, outside = _records(stream)
    assert inside.pop("at").endswith("Z")
    assert inside == {
        "event": "case_started",
        "attempts": 1,
        "case_id": "c-1",
        "command_id": 7,
        "logger": "hitl.graphs",
        "level": "info",
    }
    assert "case_id" not in outside


@pytest.mark.parametrize("form", ["json", "console"])
def test_line_breaks_and_control_characters_stay_inside_one_record(stream: io.StringIO, form: logs.Format) -> None:
    logs.configure(form, stream)
    logs.get("hitl").info("said\r\n2026 forged", who="a\nb\x1b[2J\u2028c\u202ed", name="x\x85y")
    logging.getLogger("elsewhere").warning("%s", "one\ntwo")
    assert len(stream.getvalue().splitlines()) == 2
    assert "\x1b[2J" not in stream.getvalue()


def test_fields_that_hold_what_people_wrote_are_dropped(stream: io.StringIO) -> None:
    logs.configure("json", stream)
    logs.get("hitl").info("case_started", content=CANARY, reason=CANARY, facts={"rationale": CANARY, "round": 1})
    assert CANARY not in stream.getvalue()
    assert _records(stream)[0]["facts"] == {"round": 1}


def test_objects_are_named_not_shown(stream: io.StringIO) -> None:
    logs.configure("json", stream)
    at = datetime(2026, 11, 21, tzinfo=UTC)
    logs.get("hitl").info("odd", post=Post(CANARY), error=ValueError(CANARY), raw=CANARY.encode(), when=at, n=(1, None))
    (record,) = _records(stream)
    assert CANARY not in stream.getvalue()
    assert (record["post"], record["error"], record["raw"]) == ("<Post>", "<ValueError>", "<bytes>")
    assert (record["when"], record["n"]) == ("2026-11-21 00:00:00+00:00", [1, None])


@pytest.mark.parametrize("form", ["json", "console"])
def test_an_exception_is_its_types_and_places(stream: io.StringIO, form: logs.Format) -> None:
    logs.configure(form, stream)
    try:
        try:
            raise KeyError(CANARY)
        except KeyError as error:
            raise ValueError(CANARY) from error
    except ValueError:
        logs.get("hitl").exception("run_failed")
        logging.getLogger("dramatiq.worker").exception("Failed to process message")
    assert CANARY not in stream.getvalue()
    assert stream.getvalue().count("ValueError from KeyError") == 2
    assert stream.getvalue().count("test_logs.py:") == 2


def test_others_are_heard_from_warning_on_and_in_the_same_form(stream: io.StringIO) -> None:
    logs.configure("json", stream)
    logging.getLogger("pika").info("connected")
    logging.getLogger("pika").warning("lost %s", "a connection")
    (record,) = _records(stream)
    assert (record["event"], record["logger"], record["level"]) == ("lost a connection", "pika", "warning")


def test_what_nobody_will_see_is_not_put_together() -> None:
    logs.configure("none")
    assert not logging.getLogger("workers.household").isEnabledFor(logging.CRITICAL)
    logs.configure("json")
    assert logging.getLogger("workers.household").isEnabledFor(logging.INFO)


def test_none_says_nothing(stream: io.StringIO) -> None:
    logs.configure("none", stream)
    logs.get("hitl").error("broken")
    assert stream.getvalue() == ""


def test_a_long_value_is_cut(stream: io.StringIO) -> None:
    logs.configure("json", stream)
    logs.get("hitl").info("long", who="x" * 10_000)
    assert len(stream.getvalue()) < 1000
