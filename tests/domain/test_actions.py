"""What can be done, to what, and how exactly the same it is when it is sent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitl.domain.actions import KINDS, aspect, checked, digest
from hitl.errors import Invalid
from hitl.platforms import catalog

PARAMS = st.dictionaries(st.text(max_size=8), st.one_of(st.integers(), st.text(max_size=8), st.booleans(), st.none()))
ACTIONS = st.lists(
    st.fixed_dictionaries({"kind": st.sampled_from(sorted(KINDS)), "target": st.text(max_size=9), "params": PARAMS})
)


@given(ACTIONS)
def test_a_digest_does_not_depend_on_the_order_of_keys(actions: list[dict[str, Any]]) -> None:
    turned = [{k: dict(reversed(v.items())) if k == "params" else v for k, v in reversed(a.items())} for a in actions]
    assert digest(turned) == digest(actions)


@given(ACTIONS, ACTIONS)
def test_different_actions_have_different_digests(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    same = [repr(sorted(a["params"].items())) + a["kind"] + a["target"] for a in one] == [
        repr(sorted(a["params"].items())) + a["kind"] + a["target"] for a in other
    ]
    assert (digest(one) == digest(other)) == same


def test_a_digest_depends_on_the_order_of_actions() -> None:
    one, other = {"kind": "a", "target": "t", "params": {}}, {"kind": "b", "target": "t", "params": {}}
    assert digest([one, other]) != digest([other, one])


def test_a_digest_is_what_it_was_when_the_first_decision_was_made() -> None:
    action = {"kind": "label_content", "target": "post:p", "params": {"label": "süß"}}
    assert digest([action]) == "7f589ef8a99caa19540fc10eba3c3ed0db81ee010f9930207e1590ce3a904332"


@pytest.mark.parametrize(
    ("kind", "params", "expected"),
    [
        ("remove_content", {}, "remove_content"),
        ("suspend_author", {"days": 3}, "suspend_author"),
        ("label_content", {"label": "spam"}, "label_content:spam"),
        ("strike_author", {}, "strike_author:id"),
        ("warn_author", {}, "warn_author:id"),
        ("notify_author", {}, "notify_author:id"),
        ("of_another_platform", {}, "of_another_platform"),
    ],
)
def test_an_action_holds_on_to_its_kind_its_label_or_itself(kind: str, params: dict[str, Any], expected: str) -> None:
    assert aspect(kind, params, "id") == expected


@pytest.mark.parametrize(("kind", "target"), [("remove_content", "post:p"), ("strike_author", "author:a")])
def test_an_action_aims_at_the_cases_own_post_and_author(kind: str, target: str) -> None:
    for given_ in (None, target):
        found = checked({"kind": kind, "target": given_}, content_id="p", author_id="a")
        assert found == {"kind": kind, "target": target, "params": {}}
    with pytest.raises(Invalid):
        checked({"kind": kind, "target": "post:another"}, content_id="p", author_id="a")


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("no_such", {}),
        ("remove_content", {"stray": 1}),
        ("label_content", {}),
        ("label_content", {"label": " "}),
        ("label_content", {"label": "x" * 65}),
        ("label_content", {"label": "a\nb"}),
        ("label_content", {"label": "a\u202eb"}),
        ("label_content", {"label": 7}),
        ("suspend_author", {}),
        ("suspend_author", {"days": 0}),
        ("suspend_author", {"days": 3651}),
        ("suspend_author", {"days": True}),
        ("suspend_author", {"days": "3"}),
        ("suspend_author", {"days": 1.5}),
        ("notify_author", {"template": ""}),
        ("notify_author", {"label": ""}),
    ],
)
def test_what_cannot_be_done_is_invalid(kind: str, params: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refusal:
        checked({"kind": kind, "params": params}, content_id="p", author_id="a")
    assert refusal.value.facts["field"] == "actions"


def test_a_label_that_the_desk_takes_is_one_that_a_platform_takes() -> None:
    for label in ("x" * 64, "strong language", "süß", "🙂"):
        action = checked({"kind": "label_content", "params": {"label": label}}, content_id="p", author_id="a")
        assert catalog.value_of("label_content", action["params"]) == {"label": label}


def test_only_telling_somebody_cannot_be_undone() -> None:
    assert [k.name for k in KINDS.values() if not k.reversible] == ["notify_author"]
