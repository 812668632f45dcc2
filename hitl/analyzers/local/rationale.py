"""One or two sentences for the moderator: which policies, and what sort of words spoke for them."""

from hitl.analyzers.local.findings import Findings
from hitl.domain.policies import PolicySet

TITLES = {
    "hate": "hate",
    "harassment": "harassment",
    "violence": "violence or threats",
    "sexual": "sexual content",
    "sexual_minors": "sexual text that mentions minors",
    "self_harm": "self-harm",
    "illegal_goods": "trade in illegal goods",
    "spam": "spam",
    "personal_data": "personal data",
}
CUES = {
    "slur": "slurs",
    "identity": "names of groups of people",
    "insult": "insults",
    "violence": "words of violence",
    "gore": "words of injury",
    "self": "words about hurting oneself",
    "sexual": "sexual words",
    "illegal": "words of illegal trade",
    "spam": "advertising phrases",
    "minors": "words for minors",
}


def explain(found: Findings, policies: PolicySet) -> str:
    """Says it without quoting the post."""
    known = [f for f in found.findings if f.policy in TITLES and policies.get(f.policy)]
    over = [f for f in known if f.confidence >= policies.review_at(f.policy)]
    sentences = []
    if over:
        named = ", ".join(f"{TITLES[f.policy]} ({f.confidence:.0%})" for f in over[:3])
        cues = sorted(CUES[c] for c in found.cues if c in CUES)
        sentences.append(f"May be {named}" + (f"; it contains {', '.join(cues[:4])}." if cues else "."))
    if found.to_people == "sexual-minors":
        sentences = ["Sexual text that mentions minors: a rule sends every such post to people at once."]
    elif found.language:
        name = found.language
        sentences.append(
            f"It seems to be written in {name}, and this analyzer knows only English: a person must read it."
        )
    if found.orders:
        also = "It also tries" if sentences else "Nothing over the thresholds, but it tries"
        sentences.append(f"{also} to give orders to an automated reader.")
    return " ".join(sentences[:2]) or "Nothing over the thresholds."
