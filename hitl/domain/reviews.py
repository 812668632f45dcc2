"""One pause of a case for people: the choices, the tally, and what an edit may contain."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Literal, TypeVar

from hitl.domain import actions as catalog
from hitl.domain.policies import PolicySet, ProposedAction
from hitl.errors import Invalid

Choice = Literal["approve", "edit", "reject", "respond"]
Vote = TypeVar("Vote", bound=Hashable)
# What is proposed when people are asked although no policy was found broken (a sample, an unread language, an outage).
WITHOUT_A_POLICY = (ProposedAction("remove_content", "post", {}), ProposedAction("notify_author", "author", {}))
REASON_NEEDED: frozenset[str] = frozenset({"approve", "edit"})


def effects(actions: Sequence[dict[str, Any]]) -> list[str]:
    """What actions do, in words for a page or a message."""
    return [catalog.KINDS[a["kind"]].label if a["kind"] in catalog.KINDS else a["kind"] for a in actions]


def choices(proposed: Sequence[dict[str, Any]], *, standing: bool) -> list[dict[str, Any]]:
    """The buttons of a moderation review; `standing` when earlier actions are still in force (a held appeal)."""
    removes = any(a["kind"] == "remove_content" for a in proposed)
    if standing:
        return [
            {"decision": "approve", "label": "Uphold what was done", "effects": []},
            {"decision": "edit", "label": "Choose other actions", "effects": []},
            {"decision": "reject", "label": "Undo it and keep the post", "effects": []},
        ]
    return [
        {
            "decision": "approve",
            "label": "Remove the post" if removes else "Carry out the proposed actions",
            "effects": effects(proposed),
        },
        {"decision": "edit", "label": "Choose other actions", "effects": []},
        {"decision": "reject", "label": "Keep the post", "effects": []},
    ]


def offered(decision: str, choices: Sequence[dict[str, Any]]) -> None:
    """Refuse what a review does not offer."""
    if decision not in [c["decision"] for c in choices]:
        named = ", ".join(f"{c['decision']} ({c['label']})" for c in choices)
        raise Invalid(f"This review offers {named}; {decision} is not among them.", field="decision")


def tally(votes: Iterable[Vote], quorum: int) -> Vote | None:
    """The vote that a quorum agrees on, if any does: a choice, and what is to be done by it."""
    for choice, count in Counter(votes).most_common(1):
        return choice if count >= quorum else None
    return None


def targets(proposed: Iterable[ProposedAction], *, content_id: str, author_id: str) -> list[dict[str, Any]]:
    """Proposed actions with their targets named, irreversible ones last, doubles once."""
    named = {"post": f"post:{content_id}", "author": f"author:{author_id}"}
    found: list[dict[str, Any]] = []
    for action in proposed:
        plain = {"kind": action.kind, "target": named[action.on], "params": dict(action.params)}
        if plain not in found:
            found.append(plain)
    return irreversible_last(found)


def irreversible_last(actions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same actions, those that cannot be undone at the end."""
    return sorted(actions, key=lambda a: not (a["kind"] in catalog.KINDS and catalog.KINDS[a["kind"]].reversible))


def allowed(actions: Sequence[dict[str, Any]], policies: PolicySet, named: Iterable[str]) -> None:
    """Refuse actions that none of the named policies allows; with none named, any policy of the set counts."""
    ids = set(named)
    unknown = sorted(i for i in ids if policies.get(i) is None)
    if unknown:
        raise Invalid(f"There is no policy {', '.join(unknown)} in {policies.name}.", field="policies")
    kinds = allowed_kinds(policies, ids)
    stray = sorted({a["kind"] for a in actions} - kinds)
    if stray:
        raise Invalid(
            f"The policies of this decision do not allow {', '.join(stray)}; they allow {', '.join(sorted(kinds))}.",
            field="actions",
        )


def allowed_kinds(policies: PolicySet, named: Iterable[str]) -> set[str]:
    """The kinds of action that the named policies allow; with none named, any policy of the set counts."""
    ids = set(named)
    return {k for p in policies.policies if not ids or p.id in ids for k in p.allows}
