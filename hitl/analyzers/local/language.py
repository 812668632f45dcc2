"""Is this post English? If not, people read it: the weights know no other language."""

from dataclasses import dataclass

import numpy as np

from hitl.analyzers.local.features import Tokens
from hitl.analyzers.local.signals import Prior
from hitl.analyzers.local.views import fold

FOREIGN_LETTERS = 0.3
FEWEST_LETTERS = 5
FEWEST_WORDS = 4
FEWEST_HITS = 3
FEWEST_KNOWN = 0.3


@dataclass(frozen=True, slots=True)
class Languages:
    """Words that give a language away, English ones first among equals."""

    english: frozenset[str]
    others: dict[str, frozenset[str]]

    def other_than_english(self, content: str, tokens: Tokens, prior: Prior) -> str | None:
        """The name of another language (or `another language`), or None for English and for what cannot be told."""
        letters = [c for c in content[:4000] if c.isalpha()]
        strange = sum(c > "\u024f" for c in letters)
        if len(letters) >= FEWEST_LETTERS and strange > FOREIGN_LETTERS * len(letters):
            return "another language"
        words = [w for w in tokens.words[:400] if w.isalpha() or "'" in w]
        if len(words) < FEWEST_WORDS:
            return None
        return self._by_words(words, tokens, prior)

    def _by_words(self, words: list[str], tokens: Tokens, prior: Prior) -> str | None:
        english = sum(map(self.english.__contains__, words)) / len(words)
        rates = {name: sum(map(known.__contains__, words)) / len(words) for name, known in self.others.items()}
        name = max(rates, key=rates.__getitem__)
        if rates[name] * len(words) >= FEWEST_HITS and rates[name] >= 0.2 and rates[name] > 1.5 * english:
            return name
        return "another language" if self._familiar(words, tokens, prior) < FEWEST_KNOWN else None

    def _familiar(self, words: list[str], tokens: Tokens, prior: Prior) -> float:
        """The share of words that English posts use; names and slang keep it below one."""
        in_prior = prior.look_up(tokens.part(0, 400)) >= 0
        listed = np.array([w in self.english or w in ("xuserx", "xlinkx") for w in tokens.words[:400]])
        lexical = np.array([w.isalpha() or "'" in w for w in tokens.words[:400]])
        return float((in_prior | listed)[lexical].mean())


def read(raw: dict[str, str]) -> Languages:
    """From the lists as they are shipped: language to its words in one line."""
    lists = {name: frozenset(fold(words).text.split()) for name, words in raw.items()}
    return Languages(lists.pop("english"), lists)
