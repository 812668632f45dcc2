"""What a platform says that cannot be kept, a checkpoint that cannot be read: bounded runs, a cause, nobody harmed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from hitl.domain.commands import MAX_ATTEMPTS
from hitl.platforms.port import Effect, EffectRefused, EffectUnknown, Receipt
from tests.graphs.house import House
from tests.graphs.world import FakePlatform

NUL, HALF = "a\0b", "a\ud800b"
WELL = "well"


def deep() -> Any:
    """A value that no JSON writer follows to its end."""
    found: Any = 1
    for _ in range(2000):
        found = [found]
    return found


UNKEPT = {"NUL": NUL, "half a pair": HALF, "huge": 10**30, "deep": deep(), "names": {1: 2}, "no JSON": {1, 2}}


@dataclass
class SickPlatform(FakePlatform):
    """Shows of some posts, or answers about them, what no ledger can keep; by the post's id."""

    images: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)

    def read(self, target: str) -> dict[str, Any]:
        found, post = super().read(target), target.partition(":")[2]
        return {**found, "remove_content": self.images[post]} if post in self.images else found

    def apply(self, effect: Effect, *, key: str) -> Receipt:
        answer = self.answers.get(effect.target.partition(":")[2], self)
        if isinstance(answer, EffectRefused):
            raise answer
        receipt = super().apply(effect, key=key)
        if isinstance(answer, Exception):
            raise answer
        return receipt if answer is self else answer if isinstance(answer, Receipt) else Receipt("r", answer)


ANSWERS = {
    **UNKEPT,
    "a reference with NUL": Receipt(NUL, None),
    "half a reference": Receipt(HALF, None),
    "a bug": ValueError(NUL),
    "a sigh": EffectUnknown(NUL),
}
NOS = {"NUL": EffectRefused(NUL), "half": EffectRefused(HALF)}


def decided(house: House, posts: list[str]) -> dict[str, dict[str, Any]]:
    """Each post's case after all that was decided, one that is well among them."""
    cases = {post: house.waiting(content_id=post) for post in (*posts, WELL)}
    for case_id in cases.values():
        house.decide(case_id)
    house.insist()
    assert house.rows("select 1 from commands where state not in ('done', 'failed')") == []
    assert house.rows("select 1 from commands where attempts > %s", (MAX_ATTEMPTS,)) == []
    found = {post: house.show(case_id) for post, case_id in cases.items()}
    assert found.pop(WELL)["outcome"] == "actioned"
    return found


def removals(house: House, post: str) -> int:
    return [d.target for d in house.world.done].count(f"post:{post}")


@pytest.mark.parametrize("guarantee", ["key", "none"])
def test_an_answer_that_cannot_be_kept_ends_with_a_person_asked(house: House, guarantee: Any) -> None:
    house.platform = house.world = SickPlatform(answers=ANSWERS, guarantee=guarantee)
    for post, found in decided(house, list(ANSWERS)).items():
        assert (post, found["status"], found["needs_attention"]) == (post, "failed", True)
        assert found["error"]["cause"] in ("run-broke", "effect-unknown", "platform-unreachable")
        assert (post, found["actions"][0]["status"], removals(house, post)) == (post, "unknown", 1)


def test_a_platform_that_can_be_asked_is_asked_after_such_an_answer(house: House) -> None:
    house.platform = house.world = SickPlatform(answers=ANSWERS, guarantee="query")
    for post, found in decided(house, list(ANSWERS)).items():
        assert (post, found["status"], found["outcome"]) == (post, "completed", "actioned")
        assert (post, removals(house, post)) == (post, 1)


def test_a_before_image_that_cannot_be_kept_fails_the_case_before_anything_is_done(house: House) -> None:
    house.platform = house.world = SickPlatform(images=UNKEPT)
    for post, found in decided(house, list(UNKEPT)).items():
        assert (post, found["status"], found["error"]["cause"]) == (post, "failed", "run-broke")
        assert (post, removals(house, post)) == (post, 0)


def test_a_no_in_words_that_cannot_be_kept_is_still_a_no(house: House) -> None:
    house.platform = house.world = SickPlatform(answers=NOS)
    for post, found in decided(house, list(NOS)).items():
        assert (post, found["status"], found["actions"][0]["status"]) == (post, "completed", "refused")


SPOILT = {
    "a checkpoint that is no checkpoint": "update checkpoints set checkpoint = '{}' where thread_id = %s",
    "channels that no serializer reads": (
        "update checkpoint_blobs set blob = '\\xc1ff' where thread_id = %s and type <> 'empty'"
    ),
    "a head without a checkpoint": "delete from checkpoints where thread_id = %s",
    "writes that no serializer reads": "update checkpoint_writes set blob = '\\xc1ff' where thread_id = %s",
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_a_case_whose_checkpoint_cannot_be_read_fails_with_a_cause_and_does_nothing(house: House, spoil: str) -> None:
    case_id, other = house.waiting(content_id="sick"), house.waiting(content_id="well")
    house.sql(spoil, (case_id,))
    house.decide(case_id)
    house.decide(other)
    house.insist()
    found = house.show(case_id)
    assert house.show(other)["outcome"] == "actioned"
    if found["status"] != "completed":
        assert (found["status"], found["error"]["cause"]) == ("failed", "run-broke")
        assert not [d for d in house.world.done if d.target == "post:sick"]
    assert house.command(case_id)["attempts"] <= MAX_ATTEMPTS
