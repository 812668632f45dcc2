"""Which words of the post made a head fire: what they add to its logit, found again in the original text."""

import numpy as np

from hitl.analyzers.local.features import Floats
from hitl.analyzers.local.kit import Kit
from hitl.analyzers.local.reader import Passage
from hitl.domain.verdicts import Span

MOST = 5
LISTS = {
    "hate": ("surge_slur", "identity", "insult"),
    "harassment": ("insult", "surge_other", "surge_slur", "surge_bodily"),
    "sexual": ("surge_sexual", "sexual_terms"),
    "violence": ("violence", "gore"),
    "self_harm": ("self_harm",),
    "illegal_goods": ("illegal",),
    "spam": ("spam",),
    "personal_data": (),
    "profanity": ("surge",),
    "minors": ("minors",),
}


def spans(policy: str, head: str | None, passage: Passage, kit: Kit) -> tuple[Span, ...]:
    """At most five stretches of the post, in its order, that speak most for a policy."""
    size = len(passage.tokens.words)
    if not size:
        return ()
    weights = kit.base.by_word(passage.grams, passage.vector, head, size) if head else np.zeros(size, np.float32)
    listed = _listed(policy, passage, size)
    # "are" may add to a logit, but tells a moderator nothing.
    telling = np.array([w not in kit.languages.english for w in passage.tokens.words])
    if (weights[telling] > 0).any() or listed.any():
        weights = weights * (telling | (listed > 0))
    weights = weights + listed * max(float(weights.max(initial=0.0)), 0.5)
    best = float(weights.max())
    if best <= 0:
        return ()
    strong = np.flatnonzero(weights >= best * 0.4)
    top = sorted(strong, key=lambda i: -float(weights[i]))[: MOST * 2]
    return merge([passage.view.place(*passage.tokens.spans[i]) for i in sorted(top)])


def word_list(policy: str, passage: Passage) -> tuple[Span, ...]:
    """Where words of the policy's lists stand."""
    marked = np.flatnonzero(_listed(policy, passage, len(passage.tokens.words)))
    return merge([passage.view.place(*passage.tokens.spans[i]) for i in marked])


def merge(places: list[tuple[int, int]]) -> tuple[Span, ...]:
    """Neighbors as one span; at most five."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if joined and start <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(Span(s, e) for s, e in joined[:MOST])


def _listed(policy: str, passage: Passage, size: int) -> Floats:
    marks = np.zeros(size, np.float32)
    for start, end, name in passage.hits:
        if name.startswith(LISTS.get(policy) or ("-",)):
            marks[start:end] = 1
    return marks
