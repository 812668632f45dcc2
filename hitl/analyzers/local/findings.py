"""From probabilities and rules to findings: one per policy, with severity, confidence and evidence."""

import math
from dataclasses import dataclass

from hitl.analyzers.local.evidence import merge, spans, word_list
from hitl.analyzers.local.kit import Kit
from hitl.analyzers.local.reader import Reading
from hitl.analyzers.local.rules import ages_under_18, orders, personal_data
from hitl.domain.verdicts import Finding

HEADS = {
    "hate": ("hate", "hate_threat"),
    "harassment": ("harassment",),
    "violence": ("violence", "graphic"),
    "sexual": ("sexual",),
    "self_harm": ("self_harm",),
    "illegal_goods": ("illegal_goods",),
    "spam": ("spam",),
    "personal_data": ("personal_data",),
}
# P(any) says that something is wrong; these may be what it is. Averaging it with the strongest ranks best (measured).
ANY_OF = ("hate", "harassment", "violence", "sexual", "self_harm")
GRAVER = {"hate": "hate_threat", "violence": "graphic", "self_harm": "self_harm"}
# Logits taken off heads that learned from sets in which their case is far commoner than among posts.
RARER = {"spam": 2.2, "illegal_goods": 1.1, "personal_data": 1.1}
BUCKETS = (0.10, 0.25, 0.50, 0.75)
LEAST = 0.05
SEXUAL_ENOUGH = 0.20


@dataclass(frozen=True, slots=True)
class Findings:
    """What is found, the word lists that spoke up, and why people must look whatever the scores are."""

    findings: tuple[Finding, ...]
    cues: frozenset[str]
    to_people: str | None
    orders: bool
    language: str | None


def gather(content: str, reading: Reading, kit: Kit) -> Findings:
    """All findings of a post, strongest first."""
    scores = _scores(reading)
    strongest = max(ANY_OF, key=scores.__getitem__)
    found = [_finding(p, s, reading, kit) for p, s in scores.items() if s >= LEAST or p == strongest]
    found = _with_rules(content, found)
    found += _profanity(reading)
    minors = _sexual_minors(content, reading, kit)
    language = kit.languages.other_than_english(content, reading.passages[0].tokens, kit.prior)
    names = {n.removeprefix("surge_").split("_")[0] for p in reading.passages for *_, n in p.hits}
    return Findings(
        tuple(sorted([*found, *minors], key=lambda f: (-f.confidence, f.policy))),
        frozenset(names),
        "sexual-minors" if minors else "language" if language else None,
        orders(content) is not None or reading.probability["injection"] >= 0.5,
        language,
    )


def _scores(reading: Reading) -> dict[str, float]:
    """Per policy its confidence. P(any) speaks for the strongest policy, and may only weaken the others."""
    scores = {policy: max(reading.probability[h] for h in heads) for policy, heads in HEADS.items()}
    scores |= {policy: _rarer(scores[policy], by) for policy, by in RARER.items()}
    anything = reading.probability["any"]
    strongest = max(ANY_OF, key=scores.__getitem__)
    for policy in ANY_OF:
        mean = (scores[policy] + anything) / 2
        scores[policy] = mean if policy == strongest else min(scores[policy], mean)
    return scores


def _rarer(probability: float, by: float) -> float:
    odds = probability / max(1 - probability, 1e-6) * math.exp(-by)
    return odds / (1 + odds)


def severity(confidence: float, graver: float = 0.0) -> int:
    """0 (none) to 4 (critical): the bucket of the confidence, one more for what is grave by nature."""
    step = sum(confidence >= edge for edge in BUCKETS)
    return min(step + 1, 4) if graver >= BUCKETS[1] and step else step


def _finding(policy: str, score: float, reading: Reading, kit: Kit) -> Finding:
    head = max(HEADS[policy], key=reading.probability.__getitem__)
    graver = reading.probability[GRAVER[policy]] if policy in GRAVER else 0.0
    evidence = spans(policy, head, reading.strongest(head), kit) if score >= BUCKETS[0] else ()
    return Finding(policy, severity(score, graver), round(min(score, 1.0), 4), evidence)


def _with_rules(content: str, found: list[Finding]) -> list[Finding]:
    hits = personal_data(content)
    if not hits:
        return found
    learned = next((f for f in found if f.policy == "personal_data"), Finding("personal_data", 0, 0.0))
    confidence = max(learned.confidence, *(h.confidence for h in hits))
    places = merge([(h.start, h.end) for h in hits])
    others = [f for f in found if f.policy != "personal_data"]
    return [*others, Finding("personal_data", severity(confidence), confidence, places)]


def _profanity(reading: Reading) -> list[Finding]:
    for passage in reading.passages:
        hits = [n for *_, n in passage.hits if n.startswith("surge")]
        if hits:
            strong = any(not n.endswith("mild") for n in hits)
            return [Finding("profanity", 2 if strong else 1, 0.9 if strong else 0.5, word_list("profanity", passage))]
    return []


def _sexual_minors(content: str, reading: Reading, kit: Kit) -> list[Finding]:
    """A rule, not a model: sexual text that mentions minors goes to people at once."""
    for passage in reading.passages:
        if reading.probability["sexual"] < SEXUAL_ENOUGH:
            return []
        places = [(s.start, s.end) for s in word_list("minors", passage)] + ages_under_18(content)
        if places:
            sexual = [(s.start, s.end) for s in spans("sexual", "sexual", reading.strongest("sexual"), kit)]
            return [Finding("sexual_minors", 4, 1.0, merge(places + sexual))]
    return []
