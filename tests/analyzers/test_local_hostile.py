"""Any text at all gets an answer whose numbers and offsets can be trusted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitl.analyzers.local import LocalAnalyzer
from hitl.domain.verdicts import Post
from tests.policies import default_policies

ANALYZER = LocalAnalyzer()
POLICIES = default_policies()
IDS = {p.id for p in POLICIES.policies}
ANY_CHARACTER = st.characters(exclude_categories=())
PIECES = st.sampled_from(
    ("you idiot ", "1d10t", "\u202e", "\u200b", "😂", "\ud800", "\x00", "i.d.i.o.t ", "ﷺ", "a\u0301", "@", "4111 ")
)


def sound(text: str) -> None:
    found = ANALYZER.analyze(Post(text), POLICIES)
    assert {f.policy for f in found.findings} <= IDS
    for finding in found.findings:
        assert 0 <= finding.severity <= 4
        assert 0.0 <= finding.confidence <= 1.0
        assert all(0 <= s.start < s.end <= len(text) for s in finding.evidence)


@settings(deadline=None, max_examples=200)
@given(st.text(ANY_CHARACTER, max_size=400))
def test_any_text_is_answered(text: str) -> None:
    sound(text)


@settings(deadline=None, max_examples=100)
@given(st.lists(PIECES, max_size=60).map("".join))
def test_any_mix_of_disguises_is_answered(text: str) -> None:
    sound(text)


@pytest.mark.parametrize(
    "piece",
    ["a", " ", "\n", "a ", "a.", "@", "a@a.", "1", "1 ", "\u202e", "😂", "\ud800", "ﷺ", "a\u0301", "привет ", "1d10t "],
)
def test_twenty_thousand_characters_of_anything_are_answered(piece: str) -> None:
    sound((piece * 20_000)[:20_000])


def test_harm_at_the_end_of_a_long_post_is_not_drowned() -> None:
    text = "The bread came out of the oven at noon. " * 400 + "You are a worthless idiot and a stupid loser. " * 15
    strongest = {f.policy: f.confidence for f in ANALYZER.analyze(Post(text), POLICIES).findings}
    assert strongest["harassment"] >= POLICIES.review_at("harassment")


def test_the_same_post_gets_the_same_answer() -> None:
    post = Post("you are a w0rthless idiot, see http://x.example 😂")
    assert ANALYZER.analyze(post, POLICIES) == ANALYZER.analyze(post, POLICIES)
