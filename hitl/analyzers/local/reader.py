"""Reads a post in all its views and, when it is long, in parts; the strongest reading of each head counts."""

from dataclasses import dataclass

import numpy as np

from hitl.analyzers.local.features import Floats, Grams, Tokens, grams, tokenize
from hitl.analyzers.local.model import sigmoid
from hitl.analyzers.local.signals import signals
from hitl.analyzers.local.views import View, plain, unmasked
from hitl.analyzers.local.kit import Kit

# A harmful paragraph must not drown in a long harmless post.
PART_WORDS = 250
LONG_WORDS = 400


@dataclass(frozen=True, slots=True)
class Passage:
    """One reading of a stretch of the post."""

    view: View
    tokens: Tokens
    grams: Grams
    logits: Floats


@dataclass(frozen=True, slots=True)
class Reading:
    """All passages of a post; the first is the post as it stands."""

    heads: tuple[str, ...]
    passages: list[Passage]

    def probability(self, head: str) -> float:
        """The highest probability of a head over the passages."""
        return float(sigmoid(np.array(self.strongest(head).logits[self.heads.index(head)])))

    def strongest(self, head: str) -> Passage:
        """The passage in which a head is strongest."""
        column = self.heads.index(head)
        return max(self.passages, key=lambda p: float(p.logits[column]))


def read(content: str, kit: Kit) -> Reading:
    """Every view of the content, scored."""
    first = plain(content)
    passages = _passages(content, first, kit)
    second = unmasked(content)
    if second is not None and second.text != first.text:
        passages += _passages(content, second, kit)
    return Reading(kit.stack.heads, passages)


def _passages(content: str, view: View, kit: Kit) -> list[Passage]:
    tokens = tokenize(view.text)
    passages = [_passage(content, view, tokens, kit)]
    if len(tokens.words) > LONG_WORDS:
        for start in range(0, len(tokens.words), PART_WORDS):
            part = tokens.part(start, start + PART_WORDS)
            first, _ = view.place(*part.spans[0])
            _, last = view.place(*part.spans[-1])
            passages.append(_passage(content[first:last], view, part, kit))
    return passages


def _passage(content: str, view: View, tokens: Tokens, kit: Kit) -> Passage:
    found = grams(tokens)
    features = np.concatenate([kit.base.logits(found), signals(content, tokens, kit.lexicon, kit.prior)])
    return Passage(view, tokens, found, kit.stack.logits(features))
