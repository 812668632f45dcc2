"""The loop, end to end in one process: post, analyze, ask, decide, act, appeal, reverse, ask again."""

from hitl.platforms.embedded import EmbeddedForum
from hitl.store.forum import Forum
from tests.graphs.house import AUTHOR, MODERATOR, SUPERVISOR, House


def test_a_post_is_removed_and_given_back_on_appeal(house: House) -> None:
    forum = EmbeddedForum(Forum(house.store))
    house.platform = forum
    case_id = house.acted(content_id="p1")
    assert house.show(case_id)["outcome"] == "actioned"
    assert not forum.post("p1")["visible"]
    house.rollback(case_id, by=AUTHOR)
    house.drain()
    assert forum.post("p1")["visible"]
    assert forum.author("dev-author")["warnings"] == 0
    assert [m["kind"] for m in forum.inbox("dev-author")] == ["correction", "correction", "notice", "warning"]
    assert house.show(case_id)["review"]["level"] == 2
    house.decide(case_id, "reject", by=SUPERVISOR)
    house.drain()
    assert (house.status(case_id), house.show(case_id)["outcome"]) == ("completed", "kept")


def test_a_clean_post_is_allowed_without_anybody_being_asked(house: House) -> None:
    house.analyzer.policies = ()
    case_id = house.start()
    house.drain()
    assert (house.status(case_id), house.show(case_id)["outcome"]) == ("completed", "allowed")
    assert house.show(case_id)["reviews"] == []


def test_keeping_a_post_does_nothing_to_it(house: House) -> None:
    case_id = house.acted("reject", by=MODERATOR)
    assert (house.show(case_id)["outcome"], house.world.done) == ("kept", [])
