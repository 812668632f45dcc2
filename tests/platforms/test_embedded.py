"""What only the forum inside Guardian has: tenants, inboxes, plain words about posts and authors, one transaction."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hitl.clock import new_id
from hitl.errors import Invalid
from hitl.platforms import standing
from hitl.platforms.embedded import EmbeddedForum
from hitl.platforms.port import EffectRefused, EffectUnknown
from hitl.store.forum import Forum
from hitl.store.postgres import Store
from tests.platforms.effects import forward, reverse
from tests.services.ports import free_port


def test_a_removed_post_is_not_visible_until_it_is_restored(forum: EmbeddedForum) -> None:
    post = new_id()
    assert forum.post(post) == {"visible": True, "labels": []}
    forum.apply(removal := forward(target=f"post:{post}"), key=new_id())
    forum.apply(forward("label_content", f"post:{post}", label="spam"), key=new_id())
    assert forum.post(post) == {"visible": False, "labels": ["spam"]}
    forum.apply(reverse(removal, None), key=new_id())
    assert forum.post(post) == {"visible": True, "labels": ["spam"]}


def test_what_stands_against_an_author_is_counted(forum: EmbeddedForum) -> None:
    author = new_id()
    target = f"author:{author}"
    strikes = [forward("strike_author", target) for _ in range(3)]
    for effect in [*strikes, forward("warn_author", target), forward("suspend_author", target)]:
        forum.apply(effect, key=new_id())
    forum.apply(reverse(strikes[1], None), key=new_id())
    found = forum.author(author)
    assert (found["suspended"], found["strikes"], found["warnings"]) == (True, 2, 1)


def test_a_suspension_counts_its_days_by_the_database(forum: EmbeddedForum, store: Store) -> None:
    receipt = forum.apply(effect := forward("suspend_author", days=7), key=new_id())
    with store.transaction() as tx:
        now = tx.all("select now() as now")[0]["now"]
    until = datetime.fromisoformat(receipt.after["until"])
    assert receipt.after["days"] == 7
    assert now + timedelta(days=6) < until < now + timedelta(days=8)
    assert forum.author(effect.target.partition(":")[2])["suspended_until"] == receipt.after["until"]


def test_the_inbox_keeps_the_notice_before_its_correction(forum: EmbeddedForum) -> None:
    author = new_id()
    notice = forward("notify_author", f"author:{author}", policy="spam")
    key = new_id()
    forum.apply(notice, key=key)
    forum.apply(notice, key=key)
    forum.apply(reverse(notice, None), key=new_id())
    correction, first = forum.inbox(author)
    assert (first["kind"], first["about"], first["params"]) == ("notice", notice.action_id, {"policy": "spam"})
    assert (correction["kind"], correction["about"]) == ("correction", notice.action_id)
    assert forum.inbox(author, limit=1) == [correction]


@pytest.mark.parametrize("kind", ["warn_author", "strike_author", "suspend_author"])
def test_an_author_is_told_what_happened_and_that_it_was_taken_back(forum: EmbeddedForum, kind: str) -> None:
    effect = forward(kind)
    forum.apply(effect, key=new_id())
    forum.apply(reverse(effect, None), key=new_id())
    told = [message["kind"] for message in forum.inbox(effect.target.partition(":")[2])]
    assert told == ["correction", {"warn_author": "warning", "strike_author": "strike"}.get(kind, "suspension")]


def test_tenants_share_nothing(forum: EmbeddedForum, store: Store) -> None:
    other, key = EmbeddedForum(Forum(store), tenant="other"), new_id()
    forum.apply(effect := forward("warn_author"), key=key)
    assert other.read(effect.target) == {}
    assert other.find(key) is None
    assert other.inbox(effect.target.partition(":")[2]) == []
    assert other.apply(effect, key=key) != forum.apply(effect, key=key)


def test_the_states_of_many_targets_come_at_once(forum: EmbeddedForum, store: Store) -> None:
    effects = [forward() for _ in range(3)]
    for effect in effects:
        forum.apply(effect, key=new_id())
    untouched = f"post:{new_id()}"
    found = Forum(store).states("default", [untouched, *(e.target for e in effects)])
    assert found == {untouched: {}, **{e.target: {"remove_content": {"removed": True}} for e in effects}}


BAD: list[tuple[str, dict[str, Any]]] = [
    ("label_content", {"label": ""}),
    ("label_content", {"label": "x" * 65}),
    ("label_content", {"label": "a\nb"}),
    ("label_content", {"label": 7}),
    ("suspend_author", {"days": 0}),
    ("suspend_author", {"days": 3651}),
    ("suspend_author", {"days": True}),
    ("suspend_author", {"days": "7"}),
    ("suspend_author", {"days": 7, "until": "2030-01-01T00:00:00Z"}),
    ("suspend_author", {"until": "tomorrow"}),
    ("suspend_author", {"until": "2030-01-01T00:00:00"}),
    ("warn_author", {"policy": "x" * 501}),
    ("warn_author", {"x" * 65: 1}),
    ("warn_author", {str(n): n for n in range(21)}),
    ("warn_author", {"policies": ["spam"] * 21}),
    ("warn_author", {"deep": {"er": 1}}),
]


@pytest.mark.parametrize(("kind", "params"), BAD)
def test_bad_parameters_are_refused(forum: EmbeddedForum, kind: str, params: dict[str, Any]) -> None:
    effect = replace(forward(kind), params=params)
    with pytest.raises(EffectRefused):
        forum.apply(effect, key=new_id())
    assert forum.read(effect.target) == {}


def test_an_effect_and_its_key_are_written_together_or_not_at_all(store: Store) -> None:
    forum, key = Forum(store), new_id()
    act = {"action_id": "a", "kind": "k", "target": f"post:{key}", "direction": "forward", "params": {}, "about": "a"}
    with pytest.raises(Invalid):
        forum.do("default", key, act, aspect="", after={"x": 1})
    assert forum.done("default", key) is None
    with pytest.raises(Invalid):
        forum.do("default", key, act, aspect="k", after={"x": 1}, message="notice")
    assert forum.state("default", f"post:{key}")[0] == {}
    assert forum.done("default", key) is None


def test_without_a_database_everything_is_unknown() -> None:
    store = Store(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing", size=1)
    forum = EmbeddedForum(Forum(store))
    for ask in (lambda: forum.read("post:1"), lambda: forum.find("k1"), lambda: forum.apply(forward(), key="k1")):
        with pytest.raises(EffectUnknown):
            ask()
    store.close()


def test_without_its_tables_everything_is_unknown(empty_database_url: str) -> None:
    store = Store(empty_database_url, size=1)
    with pytest.raises(EffectUnknown):
        EmbeddedForum(Forum(store)).apply(forward(), key="k1")
    store.close()


NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("held", "suspended"),
    [
        ({"days": 7, "until": "2030-01-01T00:00:01Z"}, True),
        ({"until": "2030-01-01T00:00:00Z"}, False),
        ({"days": 7}, True),
        ({"until": "someday"}, True),
        ({"until": "2029-01-01T00:00:00"}, True),
        (True, True),
    ],
)
def test_a_suspension_ends_only_when_its_readable_end_has_passed(held: Any, suspended: bool) -> None:
    assert standing.author({"suspend_author": held}, NOW)["suspended"] is suspended
