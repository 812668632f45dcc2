"""Starting: one content_id, one current case; edited text takes over; nobody takes over somebody else's post."""

import threading
from typing import Any

import pytest

from hitl.domain.people import Person
from hitl.errors import Conflict, Invalid, Overloaded, Refused
from hitl.operations.backlog import Backlog
from hitl.operations.start import Arrival, StartRequest, start
from hitl.operations.turns import Turns
from tests.graphs.house import AUTHOR, AUTHOR_2, MODERATOR, SUPERVISOR, House

WRITERS = """select xmin::text from cases union select xmin::text from contents
    union select xmin::text from events union select xmin::text from commands"""
BACKEND = Person("backend", frozenset({"service"}))


def test_the_same_text_under_the_same_content_id_is_the_same_case(house: House) -> None:
    first = house.start("one text", content_id="p")
    assert house.start("one text", content_id="p") == first
    house.drain()
    assert house.start("one text", content_id="p") == first
    assert house.rows("select count(*) as n from commands") == [{"n": 1}]
    assert house.told(first) == ["case_received", "analysis_started", "analyzed", "review_opened"]


def test_what_has_no_case_yet_is_opened_in_one_statement(house: House) -> None:
    post = Arrival(AUTHOR, StartRequest("one text", content_id="p"), Backlog(10))
    with house.store.statement() as tx:
        opened = post.opened(tx)
    assert opened is not None
    assert len(house.rows(WRITERS)) == 1
    assert house.start("one text", content_id="p") == opened["case_id"]


def test_a_post_that_is_not_opened_at_once_keeps_its_place_in_the_queue(house: House) -> None:
    first, backlog = house.start("one text", content_id="p"), Backlog(10)
    backlog.turns = Turns(lambda: 0.0)
    post = Arrival(AUTHOR, StartRequest("another text", content_id="p"), backlog)
    before = house.dump()
    with house.store.statement() as tx:
        assert post.opened(tx) is None
    assert house.dump() == before
    with house.store.transaction() as tx:
        taken = post.taken(tx)
    assert house.show(taken["case_id"])["supersedes"] == first
    assert house.command(taken["case_id"])["turn"] == 0


def test_the_same_text_after_its_case_was_closed_is_a_new_case(house: House) -> None:
    first = house.acted(content="one text", content_id="p")
    second = house.start("one text", content_id="p")
    assert second != first
    assert house.show(second)["supersedes"] == first
    assert house.show(first)["outcome"] == "actioned"


@pytest.mark.parametrize("analyzed", [True, False])
def test_edited_text_supersedes_the_open_case(house: House, analyzed: bool) -> None:
    first = house.start("one text", content_id="p")
    if analyzed:
        house.drain()
    second = house.start("another text", content_id="p")
    shown = house.show(first)
    assert (shown["status"], shown["outcome"]) == ("completed", "superseded")
    assert house.drain() == ["done"]
    assert house.status(second) == "waiting_review"
    if analyzed:
        assert shown["review"]["status"] == "superseded"
        with pytest.raises(Conflict):
            house.decide(first, review_id=shown["review"]["review_id"])


def test_edited_text_supersedes_a_case_under_way_and_its_run_writes_nothing_more(house: House) -> None:
    first = house.start("one text", content_id="p")
    run = house.claim(house.due()[0])
    house.start("another text", content_id="p")
    before = house.dump()
    assert house.runner().run(run) == "fenced"
    assert house.dump() == before
    assert house.show(first)["outcome"] == "superseded"


def test_edited_text_leaves_a_decision_under_way_alone(house: House) -> None:
    first = house.waiting(content="one text", content_id="p")
    house.decide(first)
    second = house.start("another text", content_id="p")
    house.drain()
    assert (house.show(first)["outcome"], house.status(second)) == ("actioned", "waiting_review")


def test_edited_text_leaves_an_appeal_alone(house: House) -> None:
    first = house.acted(content="one text", content_id="p")
    house.rollback(first)
    house.drain()
    house.start("another text", content_id="p")
    assert house.status(first) == "waiting_review"
    house.decide(first, "reject", by=SUPERVISOR)


@pytest.mark.parametrize("text", ["one text", "another text"])
def test_another_author_may_not_use_the_content_id(house: House, text: str) -> None:
    first = house.start("one text", content_id="p")
    with pytest.raises(Conflict):
        house.start(text, content_id="p", by=AUTHOR_2)
    assert house.status(first) == "received"


def test_two_tenants_may_use_one_content_id(house: House) -> None:
    other = Person("dev-author", frozenset({"author"}), "other")
    assert house.start("one text", content_id="p") != house.start("one text", content_id="p", by=other)


def test_everything_of_a_tenants_case_is_that_tenants(house: House) -> None:
    other = Person("dev-author", frozenset({"author"}), "other")
    house.sql("insert into policy_sets select 'other', name, version, body from policy_sets on conflict do nothing")
    case_id = house.start(content_id="p", by=other)
    house.drain()
    for table in ("cases", "contents", "analyses", "reviews", "events", "commands"):
        found = house.rows(f"select distinct tenant_id from {table} where case_id = %s", (case_id,))  # noqa: S608
        assert found == [{"tenant_id": "other"}], table
    assert house.rows("select tenant_id from checkpoint_heads where thread_id = %s", (case_id,)) == [
        {"tenant_id": "other"}
    ]


def _race(house: House, texts: list[str]) -> tuple[list[str], list[Exception]]:
    found: list[str] = []
    failed: list[Exception] = []
    gate = threading.Barrier(len(texts))

    def post(text: str) -> None:
        gate.wait()
        try:
            found.append(house.start(text, content_id="p"))
        except Conflict as trouble:
            failed.append(trouble)

    threads = [threading.Thread(target=post, args=(t,)) for t in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found, failed


def test_twenty_starts_of_one_content_at_once_are_one_case(house: House) -> None:
    found, failed = _race(house, ["one text"] * 20)
    assert (len(found), len(set(found)), failed) == (20, 1, [])
    assert house.rows("select count(*) as n from commands") == [{"n": 1}]


def test_different_texts_at_once_leave_one_current_case_and_no_other_open(house: House) -> None:
    found, _ = _race(house, [f"text {n}" for n in range(8)])
    house.drain()
    rows = house.rows("select case_id, current, status, outcome from cases")
    assert len(rows) == len(set(found)) > 0
    (current,) = [r for r in rows if r["current"]]
    assert current["status"] == "waiting_review"
    assert all(r["outcome"] == "superseded" for r in rows if not r["current"])


def test_authors_post_as_themselves_and_services_for_whom_they_name(house: House) -> None:
    assert house.show(house.start(by=AUTHOR_2))["author_id"] == "dev-author-2"
    assert house.show(house.start(by=BACKEND, author_id="a-user"))["author_id"] == "a-user"
    refused: list[tuple[Person, dict[str, Any], type[Exception]]] = [
        (AUTHOR_2, {"author_id": "somebody"}, Refused),
        (BACKEND, {}, Invalid),
        (Person("nobody", frozenset()), {}, Refused),
    ]
    for person, more, error in refused:
        with pytest.raises(error):
            house.start(by=person, **more)


@pytest.mark.parametrize("more", [{"policy": "no-such"}, {"graph": "no-such"}])
def test_what_does_not_exist_is_invalid_and_says_what_does(house: House, more: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="There is no"):
        house.start(**more)


def test_above_the_backlog_limit_nothing_more_is_taken_and_decisions_still_are(house: House) -> None:
    waiting = house.waiting(content="first")
    for n in range(3):
        house.start(f"text {n}")
    backlog = Backlog(3)
    with house.store.transaction() as tx, pytest.raises(Overloaded) as refusal:
        start(tx, AUTHOR, StartRequest("one more"), backlog=backlog)
    assert refusal.value.retry_after > 0
    house.decide(waiting, by=MODERATOR)
    house.drain()
    with house.store.transaction() as tx:
        start(tx, AUTHOR, StartRequest("one more"), backlog=Backlog(3))
