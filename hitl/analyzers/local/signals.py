"""What a post shows beside its n-grams: word-list counts, a toxicity prior, and how it is written."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitl.analyzers.local.features import Floats, Tokens, hashes
from hitl.analyzers.local.lexicon import Hit, Lexicon

STYLE = ("prior", "prior_over", "known", "length", "caps", "exclaims", "questions", "links", "users", "digits", "you")
YOU = frozenset(("you", "your", "u", "ur", "you're", "youre", "yourself", "ya"))


@dataclass(frozen=True, slots=True)
class Prior:
    """The word weights of a linear toxicity model over tf-idf (alt-profanity-check), by hash, and its intercept."""

    keys: NDArray[np.uint64]
    idf: Floats
    weights: Floats
    intercept: float

    def score(self, tokens: Tokens) -> tuple[float, float]:
        """Its decision value, and the share of words that it knows."""
        at = self.look_up(tokens)
        known = at >= 0
        if not known.any():
            return self.intercept, 0.0
        found, counts = np.unique(at[known], return_counts=True)
        values = counts * self.idf[found]
        return float(values @ self.weights[found] / np.sqrt(values @ values)) + self.intercept, float(known.mean())

    def look_up(self, tokens: Tokens) -> NDArray[np.int64]:
        """Per word its place in the table, or -1."""
        keys = hashes([w.partition("'")[0] for w in tokens.words])
        at = np.searchsorted(self.keys, keys)
        at[at == len(self.keys)] = 0
        return np.where(self.keys[at] == keys, at, -1)


def names(lexicon: Lexicon) -> list[str]:
    """Names of the signals, in their order."""
    return [*STYLE, *(f"{kind}:{n}" for n in lexicon.names for kind in ("any", "count", "rate"))]


def signals(content: str, tokens: Tokens, hits: list[Hit], lexicon: Lexicon, prior: Prior) -> Floats:
    """The vector of signals for one view of a post."""
    size = max(len(tokens.words), 1)
    head = content[:2000]
    letters = max(sum(map(str.isalpha, head)), 1)
    toxicity, known = prior.score(tokens)
    style = [
        toxicity,
        max(toxicity, 0.0),
        known,
        float(np.log1p(size)),
        sum(map(str.isupper, head)) / letters,
        float(np.log1p(head.count("!"))),
        float(np.log1p(head.count("?"))),
        float(np.log1p(tokens.words.count("xlinkx"))),
        float(np.log1p(tokens.words.count("xuserx"))),
        sum(map(str.isdigit, head)) / letters,
        float(np.log1p(sum(map(YOU.__contains__, tokens.words)))),
    ]
    counts = dict.fromkeys(lexicon.names, 0)
    for _, _, name in hits:
        counts[name] += 1
    for count in counts.values():
        style += [float(count > 0), float(np.log1p(count)), count / size**0.5]
    return np.array(style, np.float32)
