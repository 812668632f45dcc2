"""What can be done to posts and authors, and how each is undone."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

Direction = Literal["forward", "reverse"]
Status = Literal[
    "planned",
    "sending",
    "applied",
    "refused",
    "unknown",
    "reversed",
    "conflict",
    "irreversible",
    "reversal_incomplete",
]


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of action: what it is done to, how people read it, whether it can be undone, what it holds on to."""

    name: str
    on: Literal["post", "author"]
    label: str
    undo_label: str
    reversible: bool = True
    per: Literal["kind", "label", "action"] = "kind"


KINDS: dict[str, Kind] = {
    k.name: k
    for k in (
        Kind("remove_content", "post", "Remove the post", "Restore the post"),
        Kind("label_content", "post", "Label the post", "Take the label off", per="label"),
        Kind("warn_author", "author", "Warn the author", "Withdraw the warning", per="action"),
        Kind("strike_author", "author", "Give the author a strike", "Withdraw the strike", per="action"),
        Kind("suspend_author", "author", "Suspend the author", "Lift the suspension"),
        Kind("notify_author", "author", "Notify the author", "Send a correction", reversible=False, per="action"),
    )
}


def aspect(kind: str, params: dict[str, Any], action_id: str) -> str:
    """The aspect of the target's state that an action of this kind changes, and holds on to."""
    known = KINDS.get(kind)
    per = known.per if known else "kind"
    if per == "label":
        return f"{kind}:{params.get('label', '')}"
    return f"{kind}:{action_id}" if per == "action" else kind


def digest(actions: list[dict[str, Any]]) -> str:
    """SHA-256 (hex) over the canonical JSON of actions: what was decided is what is sent."""
    canonical = json.dumps(actions, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
