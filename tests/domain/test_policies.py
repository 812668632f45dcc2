"""The shipped policies, and what `parse` refuses in those that others write."""

import copy
import tomllib
from importlib import resources
from typing import Any

import pytest

from hitl.domain.actions import KINDS, checked
from hitl.domain.policies import parse
from hitl.domain.reviews import targets
from hitl.errors import Invalid
from tests.policies import default_policies

IDS = (
    "hate", "harassment", "violence", "sexual", "sexual_minors", "self_harm", "illegal_goods", "spam",
    "personal_data", "profanity",
)  # fmt: skip


@pytest.fixture
def raw() -> dict[str, Any]:
    return tomllib.loads((resources.files("hitl.store") / "data/policies/default.toml").read_text())


def test_the_ten_policies_are_there() -> None:
    assert tuple(p.id for p in default_policies().policies) == IDS
    assert default_policies().sample_rate == 0.0


@pytest.mark.parametrize("policy_id", IDS)
def test_each_says_what_it_covers_and_what_it_does_not(policy_id: str) -> None:
    policy = default_policies().get(policy_id)
    assert policy is not None
    assert 80 <= len(policy.text.split()) <= 150
    assert "Covered:" in policy.text
    assert "Not covered:" in policy.text
    assert len(set(policy.severity_scale)) == 5
    assert 0 <= policy.urgency <= 9


@pytest.mark.parametrize("policy_id", IDS)
def test_each_proposes_known_actions_on_the_right_target(policy_id: str) -> None:
    policy = default_policies().get(policy_id)
    assert policy is not None
    assert set(policy.allows) <= set(KINDS)
    assert policy.proposes
    assert all(a.on == KINDS[a.kind].on for a in policy.proposes)
    planned = targets(policy.proposes, content_id="1", author_id="2")
    reversible = [KINDS[a["kind"]].reversible for a in planned]
    assert reversible == sorted(reversible, reverse=True)


@pytest.mark.parametrize("policy_id", IDS)
def test_whoever_edits_may_keep_what_is_proposed(policy_id: str) -> None:
    policy = default_policies().get(policy_id)
    assert policy is not None
    for action in targets(policy.proposes, content_id="1", author_id="2"):
        assert checked(action, content_id="1", author_id="2") == action


def test_threats_minors_and_personal_data_stay_down_during_an_appeal() -> None:
    held = {p.id for p in default_policies().policies if p.on_appeal == "hold"}
    assert held == {"violence", "sexual_minors", "personal_data"}


def test_who_suffers_is_never_punished() -> None:
    policy = default_policies().get("self_harm")
    assert policy is not None
    assert not {"warn_author", "strike_author", "suspend_author"} & set(policy.allows)


def test_people_are_asked_earlier_where_a_miss_is_worse() -> None:
    found = default_policies()
    assert found.review_at("sexual_minors") < found.review_at("self_harm") < found.review_at("hate")
    assert found.review_at("profanity") == 1.0
    assert found.review_at("nobody wrote this one") == 0.0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"review_at": 1.5}, "review_at must lie between 0 and 1"),
        ({"on_appeal": "maybe"}, "on_appeal must be reverse or hold"),
        ({"allows": ["warn_author"]}, "hate proposes remove_content"),
        ({"severity_scale": ["none", "all"]}, "five sentences"),
        ({"id": "harassment"}, "same id"),
        ({"urgency": 10}, "hate: urgency must be a whole number from 0 to 9"),
        ({"urgency": "high"}, "hate: urgency must be a whole number from 0 to 9"),
        ({"allows": ["remove_content", "ban"]}, "hate allows ban.*there is remove_content"),
        ({"proposes": [{"kind": "ban", "on": "post"}], "allows": ["ban"]}, "hate allows ban"),
        ({"proposes": [{"kind": "remove_content", "on": "author"}]}, "hate: remove_content is done to the post"),
        ({"proposes": [{"kind": "remove_content", "on": "poster"}]}, "hate: remove_content is done to the post"),
        ({"proposes": [{"kind": "remove_content"}]}, "hate.*lacks 'on'"),
        ({"proposes": [{"kind": "label_content", "on": "post", "params": {"label": ""}}]}, "hate.*needs a label"),
        ({"proposes": [{"kind": "suspend_author", "on": "author"}]}, "hate.*needs days"),
        ({"review_at": "often"}, "hate.*review_at must lie between 0 and 1"),
        ({"title": None}, "hate: title must be a text"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(raw: dict[str, Any], change: dict[str, Any], said: str) -> None:
    broken = copy.deepcopy(raw)
    broken["policy"][0] |= change
    with pytest.raises(Invalid, match=said):
        parse(broken)


@pytest.mark.parametrize("key", ["name", "version", "policy"])
def test_what_is_missing_is_named(raw: dict[str, Any], key: str) -> None:
    del raw[key]
    with pytest.raises(Invalid, match=key):
        parse(raw)


@pytest.mark.parametrize("hours", [0, -1, 87_601, "soon", 1.5])
def test_a_review_waits_for_some_hours(raw: dict[str, Any], hours: Any) -> None:
    with pytest.raises(Invalid, match="review_hours must be a whole number from 1 to 87600"):
        parse(raw | {"review_hours": hours})


def test_a_sample_rate_is_a_share(raw: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="sample_rate"):
        parse(raw | {"sample_rate": 2})
