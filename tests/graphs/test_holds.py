"""An applied action is a hold by its cause: undoing one decision never undoes another's, and the last one restores."""

import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.graphs.house import SUPERVISOR, House, edit
from tests.graphs.troubled import while_it_looks

POST, WRITER = "post:p", "author:dev-author"
REMOVED = {"remove_content": {"removed": True}}


def _acted(house: House, n: int, *kinds: str, content_id: str = "p", **params: dict[str, Any]) -> str:
    """A decided case on a shared post (each edit of the text is a case of its own) by the shared author."""
    return house.acted("edit", content=f"text {n}", content_id=content_id, actions=edit(*kinds, **params))


def _undo(house: House, case_id: str) -> None:
    house.rollback(case_id, by=SUPERVISOR)
    house.insist()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_post_that_two_decisions_removed_comes_back_with_the_second_undoing(
    house: House, order: tuple[int, int]
) -> None:
    house.world.state = {POST: {"pinned": True}}
    both = [_acted(house, n, "remove_content") for n in range(2)]
    _undo(house, both[order[0]])
    assert house.world.shows(POST) == {"pinned": True, **REMOVED}
    assert house.actions(both[order[0]]) == {"remove_content": "reversed"}
    _undo(house, both[order[1]])
    assert house.world.shows(POST) == {"pinned": True}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_was_there_before_all_of_ours_is_what_comes_back(house: House, order: tuple[int, int]) -> None:
    theirs = {"suspend_author": {"until": "2031-01-01T00:00:00+00:00"}}
    house.world.state = {WRITER: dict(theirs)}
    both = [_acted(house, n, content_id=f"p{n}", suspend_author={"days": 3 + n}) for n in range(2)]
    assert house.world.shows(WRITER) == {"suspend_author": {"days": 4}}
    _undo(house, both[order[0]])
    assert house.world.shows(WRITER) == {"suspend_author": {"days": 4}}
    _undo(house, both[order[1]])
    assert house.world.shows(WRITER) == theirs


def test_each_strike_is_its_own(house: House) -> None:
    both = [_acted(house, n, "strike_author", content_id=f"p{n}") for n in range(2)]
    assert len(house.world.shows(WRITER)) == 2
    _undo(house, both[0])
    assert list(house.world.shows(WRITER)) == [f"strike_author:{house.action(both[1], 'strike_author')['action_id']}"]


def test_labels_of_one_name_are_shared_and_of_two_are_not(house: House) -> None:
    both = [_acted(house, n, label_content={"label": "spam"}) for n in range(2)]
    third = _acted(house, 3, label_content={"label": "satire"})
    _undo(house, both[0])
    assert sorted(house.world.shows(POST)) == ["label_content:satire", "label_content:spam"]
    _undo(house, third)
    _undo(house, both[1])
    assert house.world.shows(POST) == {}


def test_an_uphill_of_holds_is_undone_and_done_again(house: House) -> None:
    first, second = (_acted(house, n, "remove_content") for n in range(2))
    _undo(house, first)
    _undo(house, second)
    third = _acted(house, 3, "remove_content")
    assert house.world.shows(POST) == REMOVED
    _undo(house, third)
    assert house.world.shows(POST) == {}


def test_what_a_third_party_changed_is_not_overwritten(house: House) -> None:
    case_id = _acted(house, 1, "remove_content")
    house.world.state[POST] = {"remove_content": {"by": "the law"}}
    _undo(house, case_id)
    shown = house.show(case_id)
    assert (shown["status"], shown["needs_attention"]) == ("waiting_review", True)
    assert house.actions(case_id) == {"remove_content": "conflict"}
    assert house.world.shows(POST) == {"remove_content": {"by": "the law"}}
    assert house.world.did("reverse") == []


def test_a_supervisor_may_have_it_overwritten(house: House) -> None:
    case_id = _acted(house, 1, "remove_content")
    house.world.state[POST] = {"remove_content": {"by": "the law"}}
    _undo(house, case_id)
    house.settle(house.action(case_id, "remove_content")["action_id"], "overwrite")
    assert house.insist() == ["done"]
    assert (house.actions(case_id), house.world.shows(POST)) == ({"remove_content": "reversed"}, {})


def test_what_a_third_party_has_restored_already_is_undone_without_a_call(house: House) -> None:
    case_id = _acted(house, 1, "remove_content")
    house.world.state[POST] = {}
    _undo(house, case_id)
    assert house.actions(case_id) == {"remove_content": "reversed"}
    assert house.world.did("reverse") == []


def test_effects_on_one_target_never_overlap(house: House) -> None:
    cases = [house.waiting(content=f"text {n}") for n in range(4)]
    for case_id in cases:
        house.decide(case_id, "edit", actions=edit("strike_author", suspend_author={"days": 3}))
    pause = threading.Event()

    def dawdle() -> None:
        pause.wait(0.02)

    house.world.before_apply = dawdle
    house.deliver_at_once()
    house.insist()
    assert house.world.overlap == 1
    assert len(house.world.did()) == 8
    for case_id in cases:
        _undo(house, case_id)
    assert house.world.shows(WRITER) == {}


def test_the_before_image_is_read_while_nobody_else_of_us_touches_the_target(house: House) -> None:
    first = _acted(house, 1, "remove_content")
    second = house.waiting(content="text 2", content_id="p")
    house.decide(second, "edit", actions=edit("remove_content"))
    (command_id,) = house.due()
    house.rollback(first, by=SUPERVISOR)

    while_it_looks(house, lambda: house.drain("w2"))
    house.deliver(command_id)
    house.insist()
    assert house.world.shows(POST) == REMOVED
    _undo(house, second)
    assert house.world.shows(POST) == {}


def test_a_reversal_looks_again_when_another_decision_has_touched_its_target_since(house: House) -> None:
    first = _acted(house, 1, "remove_content")
    second = house.waiting(content="text 2", content_id="p")
    house.decide(second, "edit", actions=edit("remove_content"))
    (forward,) = house.due()
    house.rollback(first, by=SUPERVISOR)
    (backward,) = [command_id for command_id in house.due() if command_id != forward]

    while_it_looks(house, lambda: house.deliver(forward, "w2"))
    house.deliver(backward)
    house.insist()
    assert house.world.shows(POST) == REMOVED
    _undo(house, second)
    assert house.world.shows(POST) == {}


def test_an_unknown_action_lends_its_before_image_to_the_next_one(house: House) -> None:
    house.world.guarantee = "none"
    house.world.faults = ["drop"]
    first = _acted(house, 1, "remove_content")
    assert house.actions(first) == {"remove_content": "unknown"}
    second = _acted(house, 2, "remove_content")
    house.settle(house.action(first, "remove_content")["action_id"], "happened")
    house.insist()
    for case_id in (first, second):
        _undo(house, case_id)
    assert house.world.shows(POST) == {}


def test_a_reversal_tried_again_does_not_undo_what_another_decision_did_since(house: House) -> None:
    house.world.guarantee = "none"
    first = _acted(house, 1, "remove_content")
    house.world.faults = ["lose"]
    _undo(house, first)
    assert house.actions(first) == {"remove_content": "reversal_incomplete"}
    second = _acted(house, 2, "remove_content")
    house.settle(house.action(first, "remove_content")["action_id"], "retry")
    house.insist()
    assert (house.actions(first), house.world.shows(POST)) == ({"remove_content": "reversed"}, REMOVED)
    _undo(house, second)
    assert house.world.shows(POST) == {}


KINDS = {"remove_content": {}, "suspend_author": {"days": 3}, "label_content": {"label": "spam"}, "strike_author": {}}
STEP = st.tuples(st.sampled_from(["act", "act", "undo"]), st.integers(0, 3), st.sets(st.sampled_from(sorted(KINDS))))


@given(steps=st.lists(STEP, min_size=2, max_size=9))
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_after_any_doing_and_undoing_the_platform_shows_what_is_held(house: House, steps: list[Any]) -> None:
    content_id = house.start("a fresh name")  # examples share the database, but no post and no author
    author = f"author-{content_id}"
    house.insist()
    held: list[tuple[str, set[str]]] = []
    for n, (step, which, kinds) in enumerate(steps):
        if step == "act" and kinds:
            actions = [{"kind": k, "params": KINDS[k]} for k in sorted(kinds)]
            text: dict[str, Any] = {"content": f"text {n}", "content_id": content_id + "x", "author_id": author}
            held.append((house.acted("edit", actions=actions, **text), kinds))
        elif step == "undo" and held:
            _undo(house, held.pop(which % len(held))[0])
        standing = set().union(*(k for _, k in held)) - {"strike_author"}
        strikes = sum("strike_author" in k for _, k in held)
        shown = [*house.world.shows(f"post:{content_id}x"), *house.world.shows(f"author:{author}")]
        assert sorted(a.partition(":")[0] for a in shown) == sorted([*standing, *["strike_author"] * strikes])
