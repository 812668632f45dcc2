"""What can be done to posts and authors, and how each is undone."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hitl.errors import Invalid

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
STANDING: frozenset[Status] = frozenset({"applied", "conflict", "reversal_incomplete"})
MAX_LABEL = 64
LABEL = f"1 to {MAX_LABEL} printable characters"


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


def stands(its: Iterable[Mapping[str, Any]]) -> bool:
    """Whether an effect of a case stands: one that could not be taken back does; a message is not what a case is about.

    Of each of its actions the `kind`, `direction`, `status`.
    """
    return any(
        one["status"] in STANDING or (one["status"] == "irreversible" and one["kind"] != "notify_author")
        for one in its
        if one["direction"] == "forward"
    )


def can_be_undone(its: Iterable[Mapping[str, Any]]) -> bool:
    """Whether an effect of a case stands that can be reversed; of each of its actions also `reversible`."""
    return any(one["direction"] == "forward" and one["reversible"] and one["status"] in STANDING for one in its)


def aspect(kind: str, params: dict[str, Any], action_id: str) -> str:
    """The aspect of the target's state that an action of this kind changes, and holds on to."""
    known = KINDS.get(kind)
    per = known.per if known else "kind"
    if per == "label":
        return f"{kind}:{params.get('label', '')}"
    return f"{kind}:{action_id}" if per == "action" else kind


def is_label(value: Any) -> bool:
    """Whether every platform takes this as a label."""
    return isinstance(value, str) and 0 < len(value) <= MAX_LABEL and bool(value.strip()) and value.isprintable()


def digest(actions: list[dict[str, Any]]) -> str:
    """SHA-256 (hex) over the canonical JSON of actions: what was decided is what is sent."""
    canonical = json.dumps(actions, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def checked(action: dict[str, Any], *, content_id: str, author_id: str) -> dict[str, Any]:
    """An action as a person gave it, with its target named; Invalid when it is unknown or aims elsewhere."""
    kind = KINDS.get(action["kind"])
    if kind is None:
        raise Invalid(f"There is no action {action['kind']!r}; there is {', '.join(KINDS)}.", field="actions")
    target = f"post:{content_id}" if kind.on == "post" else f"author:{author_id}"
    if action.get("target") not in (None, target):
        raise Invalid(f"{kind.name} on this case can only be done to {target}.", field="actions")
    params = dict(action.get("params") or {})
    check_params(kind.name, params)
    return {"kind": kind.name, "target": target, "params": params}


def check_params(kind: str, params: dict[str, Any]) -> None:
    """Refuse parameters that the kind does not have, or lacks."""
    known = {"label_content": {"label"}, "suspend_author": {"days"}, "notify_author": {"template", "label"}}.get(
        kind, set()
    )
    stray = sorted(set(params) - known)
    if stray:
        raise Invalid(f"{kind} has no parameter {', '.join(stray)}.", field="actions")
    label, days = params.get("label"), params.get("days")
    if (kind == "label_content" or "label" in params) and not is_label(label):
        raise Invalid(f"{kind} needs a label of {LABEL}.", field="actions")
    whole = isinstance(days, int) and not isinstance(days, bool) and 1 <= days <= 3650
    if kind == "suspend_author" and not whole:
        raise Invalid("suspend_author needs days, from 1 to 3650.", field="actions")
    template = params.get("template", "decision")
    if kind == "notify_author" and not (isinstance(template, str) and 0 < len(template) <= 50):
        raise Invalid("notify_author takes the name of a template, of 1 to 50 characters.", field="actions")
