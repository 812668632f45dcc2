"""Reads a post in all its views and, when it is long, in parts; the strongest reading of each head counts."""

from dataclasses import dataclass

import numpy as np

from hitl.analyzers.local.features import Floats, Grams, Tokens, grams, tokenize
from hitl.analyzers.local.kit import Kit
from hitl.analyzers.local.lexicon import Hit
from hitl.analyzers.local.model import Vector, sigmoid
from hitl.analyzers.local.signals import signals
from hitl.analyzers.local.views import View, fold, plain, unmasked

# A harmful paragraph must not drown in a long harmless post.
PART_WORDS = 250
LONG_WORDS = 400
MOST_PARTS = 20


@dataclass(frozen=True, slots=True)
class Passage:
    """One reading of a stretch of the post."""

    view: View
    tokens: Tokens
    grams: Grams
    vector: Vector
    hits: list[Hit]
    logits: Floats


@dataclass(frozen=True, slots=True)
class Reading:
    """All passages of a post (the first is the post as it stands), and per head its highest probability in them."""

    heads: tuple[str, ...]
    passages: list[Passage]
    probability: dict[str, float]

    def strongest(self, head: str) -> Passage:
        """The passage in which a head is strongest."""
        column = self.heads.index(head)
        return max(self.passages, key=lambda p: float(p.logits[column]))


def read(content: str, kit: Kit) -> Reading:
    """Every view of the content, scored."""
    folded = fold(content)
    first = plain(folded)
    passages = _passages(content, first, kit)
    second = unmasked(content, folded)
    if second is not None and second.text != first.text:
        passages += _passages(content, second, kit)
    highest = sigmoid(np.max([p.logits for p in passages], axis=0))
    return Reading(kit.stack.heads, passages, dict(zip(kit.stack.heads, map(float, highest), strict=True)))


def _passages(content: str, view: View, kit: Kit) -> list[Passage]:
    tokens = tokenize(view.text)
    passages = [_passage(content, view, tokens, kit)]
    if len(tokens.words) > LONG_WORDS:
        step = max(PART_WORDS, -(-len(tokens.words) // MOST_PARTS))
        for start in range(0, len(tokens.words), step):
            part = tokens.part(start, start + step)
            first, _ = view.place(*part.spans[0])
            _, last = view.place(*part.spans[-1])
            passages.append(_passage(content[first:last], view, part, kit))
    return passages


def _passage(content: str, view: View, tokens: Tokens, kit: Kit) -> Passage:
    found = grams(tokens)
    vector = kit.base.vector(found)
    hits = kit.lexicon.hits(tokens)
    features = np.concatenate([kit.base.logits(vector), signals(content, tokens, hits, kit.lexicon, kit.prior)])
    return Passage(view, tokens, found, vector, hits, kit.stack.logits(features))
