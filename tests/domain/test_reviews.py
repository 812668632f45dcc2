"""The buttons, the tally, and what an edit may contain."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitl.domain.actions import KINDS
from hitl.domain.policies import ProposedAction
from hitl.domain.reviews import allowed, choices, irreversible_last, tally, targets
from hitl.errors import Invalid
from tests.policies import default_policies

KIND = st.sampled_from(sorted(KINDS))


@given(st.lists(st.sampled_from(["approve", "reject"]), max_size=9), st.integers(1, 5))
def test_a_choice_wins_when_a_quorum_agrees_on_it(votes: list[str], quorum: int) -> None:
    won = tally(votes, quorum)
    enough = [c for c in ("approve", "reject") if votes.count(c) >= quorum]
    assert (won in enough) if enough else won is None


@given(st.lists(KIND))
def test_what_cannot_be_undone_is_put_last_and_the_rest_keeps_its_order(kinds: list[str]) -> None:
    actions = [{"kind": k, "n": n} for n, k in enumerate(kinds)]
    found = irreversible_last(actions)
    assert sorted(a["n"] for a in found) == list(range(len(kinds)))
    for reversible in (True, False):
        places = [a["n"] for a in found if KINDS[a["kind"]].reversible == reversible]
        assert places == sorted(places)
    flags = [KINDS[a["kind"]].reversible for a in found]
    assert flags == sorted(flags, reverse=True)


def test_proposals_name_their_targets_and_come_once() -> None:
    remove, notify = ProposedAction("remove_content", "post", {}), ProposedAction("notify_author", "author", {})
    assert targets([notify, remove, remove], content_id="p", author_id="a") == [
        {"kind": "remove_content", "target": "post:p", "params": {}},
        {"kind": "notify_author", "target": "author:a", "params": {}},
    ]


def test_no_button_says_approve() -> None:
    for proposed in ([], [{"kind": "remove_content"}], [{"kind": "label_content"}]):
        for standing in (True, False):
            buttons = choices(proposed, standing=standing)
            assert [b["decision"] for b in buttons] == ["approve", "edit", "reject"]
            assert not [b for b in buttons if "approve" in b["label"].lower() or "reject" in b["label"].lower()]


def test_a_button_tells_what_it_does() -> None:
    (first, *_) = choices([{"kind": "remove_content"}, {"kind": "warn_author"}], standing=False)
    assert (first["label"], first["effects"]) == ("Remove the post", ["Remove the post", "Warn the author"])


@pytest.mark.parametrize(
    ("kinds", "named", "fine"),
    [
        (["remove_content"], ["harassment"], True),
        (["remove_content"], [], True),
        (["strike_author"], ["self_harm"], False),
        (["strike_author"], ["self_harm", "hate"], True),
        (["suspend_author"], ["profanity"], False),
        (["no_such"], [], False),
        ([], ["no_such"], False),
        ([], [], True),
    ],
)
def test_an_edit_holds_what_one_of_its_policies_allows(kinds: list[str], named: list[str], fine: bool) -> None:
    actions: list[dict[str, Any]] = [{"kind": k} for k in kinds]
    if fine:
        allowed(actions, default_policies(), named)
    else:
        with pytest.raises(Invalid):
            allowed(actions, default_policies(), named)
