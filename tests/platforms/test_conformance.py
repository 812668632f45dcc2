"""What every platform must do, held by both."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hitl.clock import new_id
from hitl.domain.actions import KINDS
from hitl.platforms import catalog
from hitl.platforms.port import Effect, EffectRefused, Platform, Receipt
from tests.platforms.effects import PARAMS, forward, reverse

READABLE = [kind for kind in KINDS if kind != "notify_author"]
ODD = [
    "post:a/b",
    "post:a b",
    "post:%2F",
    "post:%",
    "post:..",
    "post:ü✓🙂",
    "post:a?b#c&d=e",
    "post:a:b",
    "post:" + "x" * 900,
]


def test_the_manifest_keeps_keys_and_cannot_read_a_notice(platform: Platform) -> None:
    manifest = platform.manifest()
    assert {kind: promise.readable for kind, promise in manifest.items()} == {k: k != "notify_author" for k in KINDS}
    assert {promise.guarantee for promise in manifest.values()} == {"key"}


@pytest.mark.parametrize("kind", READABLE)
def test_an_effect_shows_in_the_state(platform: Platform, kind: str) -> None:
    effect = forward(kind)
    receipt = platform.apply(effect, key=new_id())
    assert receipt.after is not None
    assert platform.read(effect.target) == {catalog.aspect_of(effect): receipt.after}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_key_applies_once(platform: Platform, kind: str) -> None:
    effect, key = forward(kind), new_id()
    first = platform.apply(effect, key=key)
    state = platform.read(effect.target)
    assert platform.apply(effect, key=key) == first
    assert platform.read(effect.target) == state


def test_a_late_repeat_does_not_undo_what_came_after(platform: Platform) -> None:
    effect, key = forward(), new_id()
    first = platform.apply(effect, key=key)
    platform.apply(reverse(effect, None), key=new_id())
    assert platform.apply(effect, key=key) == first
    assert platform.read(effect.target) == {}


def test_different_keys_are_different_effects(platform: Platform) -> None:
    effect = forward("strike_author")
    other = replace(effect, action_id=new_id())
    one, two = platform.apply(effect, key=new_id()), platform.apply(other, key=new_id())
    assert one.reference != two.reference
    assert len(platform.read(effect.target)) == 2


def test_a_key_is_not_used_for_another_action(platform: Platform) -> None:
    effect, key = forward(), new_id()
    platform.apply(effect, key=key)
    other = forward()
    with pytest.raises(EffectRefused):
        platform.apply(other, key=key)
    assert platform.read(other.target) == {}


def test_eight_racers_with_one_key_apply_once(platform: Platform) -> None:
    effect, key, start = forward("suspend_author"), new_id(), Barrier(8)

    def race(_: int) -> Receipt:
        start.wait()
        return platform.apply(effect, key=key)

    with ThreadPoolExecutor(8) as threads:
        receipts = list(threads.map(race, range(8)))
    assert len({receipt.reference for receipt in receipts}) == 1
    assert all(receipt == receipts[0] for receipt in receipts)
    assert platform.read(effect.target) == {"suspend_author": receipts[0].after}


@pytest.mark.parametrize("kind", READABLE)
def test_a_reversal_restores_what_was_untouched(platform: Platform, kind: str) -> None:
    effect, untouched = forward(kind), forward(kind)
    platform.apply(untouched, key=new_id())
    platform.apply(effect, key=new_id())
    assert platform.apply(reverse(effect, None), key=new_id()).after is None
    assert platform.read(effect.target) == {}
    assert platform.read(untouched.target) != {}


def test_a_reversal_restores_an_earlier_value(platform: Platform) -> None:
    first = forward("suspend_author")
    before = platform.apply(first, key=new_id()).after
    second = forward("suspend_author", first.target, days=30)
    assert platform.apply(second, key=new_id()).after != before
    assert platform.apply(reverse(second, before), key=new_id()).after == before
    assert platform.read(first.target) == {"suspend_author": before}


def test_a_reversal_applies_once(platform: Platform) -> None:
    effect, key = forward(), new_id()
    platform.apply(effect, key=new_id())
    undone = platform.apply(reversal := reverse(effect, None), key=key)
    again = platform.apply(forward(target=effect.target), key=new_id())
    assert platform.apply(reversal, key=key) == undone
    assert platform.read(effect.target) == {"remove_content": again.after}


def test_a_notice_leaves_no_state_and_is_followed_by_a_correction(platform: Platform) -> None:
    effect, key = forward("notify_author", about="post"), new_id()
    assert platform.apply(effect, key=new_id()).after is None
    assert platform.apply(reverse(effect, None), key=key).after is None
    assert platform.read(effect.target) == {}
    assert platform.find(key) is not None


REFUSED = {
    "unknown kind": Effect("a", "launch_rocket", "post:1", {}, "forward"),
    "wrong target": Effect("a", "remove_content", "author:1", {}, "forward"),
    "no type": Effect("a", "remove_content", "1", {}, "forward"),
    "unknown type": Effect("a", "launch_rocket", "rocket:1", {}, "forward"),
    "no label": Effect("a", "label_content", "post:1", {}, "forward"),
    "no length": Effect("a", "suspend_author", "author:1", {}, "forward"),
    "a NUL": Effect("a", "label_content", "post:1", {"label": "a\0b"}, "forward"),
    "a lone surrogate": Effect("a", "remove_content", "post:\ud800", {}, "forward"),
    "not a number": Effect("a", "warn_author", "author:1", {"weight": float("nan")}, "forward"),
    "too long": Effect("a", "remove_content", "post:" + "x" * 2000, {}, "forward"),
    "nothing to reverse": Effect("a", "warn_author", "author:1", {}, "reverse"),
}


@pytest.mark.parametrize("effect", REFUSED.values(), ids=REFUSED)
def test_what_makes_no_sense_is_refused_and_changes_nothing(platform: Platform, effect: Effect) -> None:
    key = new_id()
    with pytest.raises(EffectRefused):
        platform.apply(effect, key=key)
    assert platform.find(key) is None
    assert platform.read("post:1") == platform.read("author:1") == {}


@pytest.mark.parametrize("key", ["", "a b", "ü", "a\r\nb", "x" * 201])
def test_an_odd_key_is_refused(platform: Platform, key: str) -> None:
    with pytest.raises(EffectRefused):
        platform.apply(forward(), key=key)


def test_a_refused_key_can_be_used(platform: Platform) -> None:
    key = new_id()
    with pytest.raises(EffectRefused):
        platform.apply(REFUSED["no label"], key=key)
    assert platform.apply(effect := forward(), key=key) == platform.find(key)
    assert platform.read(effect.target) != {}


def test_an_unknown_target_has_an_empty_state(platform: Platform) -> None:
    assert platform.read(f"post:{new_id()}") == {}


def test_a_key_is_found_when_it_arrived(platform: Platform) -> None:
    key = new_id()
    assert platform.find(key) is None
    receipt = platform.apply(forward(), key=key)
    assert platform.find(key) == receipt


@pytest.mark.parametrize("target", ODD)
def test_odd_targets_are_kept_apart(platform: Platform, target: str) -> None:
    receipt = platform.apply(effect := forward(target=target), key=new_id())
    assert platform.read(target) == {"remove_content": receipt.after}
    platform.apply(reverse(effect, None), key=new_id())
    assert platform.read(target) == {}


@pytest.mark.parametrize("odd", ["a/b", "%2F", "..", "a?b#c", "x" * 150])
def test_odd_keys_are_found(platform: Platform, odd: str) -> None:
    key = odd + new_id()
    receipt = platform.apply(forward(), key=key)
    assert platform.find(key) == receipt
    assert platform.find(key + "-") is None


steps = st.lists(
    st.tuples(
        st.sampled_from(READABLE),
        st.booleans(),
        st.integers(0, 5),
        st.none()
        | st.dictionaries(st.text("ab/é", max_size=3), st.integers(-(2**53), 2**53) | st.text("x✓"), max_size=2),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_any_sequence_ends_as_the_model_says(
    platform: Platform, steps: list[tuple[str, bool, int, dict[str, Any] | None]]
) -> None:
    names = {"post": f"post:{new_id()}", "author": f"author:{new_id()}"}
    model: dict[str, dict[str, Any]] = {target: {} for target in names.values()}
    done: list[tuple[Effect, Any]] = []
    for kind, back, which, given_before in steps:
        effect = forward(kind, names[KINDS[kind].on], **PARAMS.get(kind, {}))
        if back and done:
            undone, seen = done[which % len(done)]
            effect = reverse(undone, seen if given_before is None else given_before)
        state, aspect = model[effect.target], catalog.aspect_of(effect)
        receipt = platform.apply(effect, key=new_id())
        if effect.direction == "forward":
            done.append((effect, state.get(aspect)))
            assert receipt.after is not None
        else:
            assert receipt.after == effect.before
        state.pop(aspect, None)
        if receipt.after is not None:
            state[aspect] = receipt.after
    assert {target: platform.read(target) for target in model} == model
