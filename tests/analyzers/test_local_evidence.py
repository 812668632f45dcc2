"""Evidence points at the right words of the post as its author wrote it."""

import pytest

from hitl.analyzers.local import LocalAnalyzer
from hitl.domain.verdicts import Post
from tests.policies import default_policies

ANALYZER = LocalAnalyzer()


def quotes(text: str, policy: str) -> list[str]:
    found = ANALYZER.analyze(Post(text), default_policies()).findings
    return [text[s.start : s.end] for f in found if f.policy == policy for s in f.evidence]


@pytest.mark.parametrize(
    ("text", "policy", "word"),
    [
        ("Thanks for the soup. You are a worthless idiot.", "harassment", "idiot"),
        ("👋🏽 Thanks for the soup! You are such a stup1d m0r0n 😂", "harassment", "m0r0n"),
        ("École fermée, you i\u200bd\u200bi\u200bo\u200bt!", "harassment", "i\u200bd\u200bi\u200bo\u200bt"),
        ("you are such a l o s e r, go away", "harassment", "l o s e r"),
        ("honestly, immigrants are vermin", "hate", "vermin"),
        ("since march I keep thinking about suicide", "self_harm", "suicide"),
        ("write to him: his phone is 555-201-3344 thanks", "personal_data", "555-201-3344"),
        ("pay with 4111 1111 1111 1111 please", "personal_data", "4111 1111 1111 1111"),
    ],
)
def test_the_telling_words_are_quoted(text: str, policy: str, word: str) -> None:
    assert any(word in q for q in quotes(text, policy)), quotes(text, policy)


def test_evidence_is_found_late_in_a_long_post() -> None:
    text = "The bread came out of the oven at noon. " * 100 + "You are a worthless idiot and a stupid loser. " * 6
    assert any("idiot" in q for q in quotes(text, "harassment"))
    assert all("bread" not in q for q in quotes(text, "harassment"))
