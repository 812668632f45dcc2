"""Written rules that content is judged by: thresholds, allowed actions, what an appeal does. Versioned data."""

from dataclasses import dataclass
from typing import Any, Literal

from hitl.domain import actions as catalog
from hitl.errors import Invalid

OnAppeal = Literal["reverse", "hold"]
MAX_REVIEW_HOURS = 87_600  # ten years


@dataclass(frozen=True, slots=True)
class ProposedAction:
    """An action as proposed or decided: its kind, what it is done to (`post` or `author`), its parameters."""

    kind: str
    on: Literal["post", "author"]
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Policy:
    """One rule: its text, when people are asked (confidence from 0 to 1), what is proposed and what is allowed."""

    id: str
    title: str
    text: str
    severity_scale: tuple[str, str, str, str, str]
    review_at: float
    proposes: tuple[ProposedAction, ...]
    allows: tuple[str, ...]
    on_appeal: OnAppeal = "reverse"
    urgency: int = 0
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class PolicySet:
    """All rules that one case is judged by; `sample_rate` of the clean ones go to people all the same."""

    name: str
    version: str
    policies: tuple[Policy, ...]
    sample_rate: float = 0.0
    review_hours: int = 72

    def get(self, policy_id: str) -> Policy | None:
        """The policy of that id, or None."""
        return next((p for p in self.policies if p.id == policy_id), None)

    def review_at(self, policy_id: str) -> float:
        """From which confidence on people are asked; an unknown policy always asks (0.0)."""
        policy = self.get(policy_id)
        return policy.review_at if policy else 0.0


def parse(raw: dict[str, Any]) -> PolicySet:
    """Read a policy set from plain data (see policies/default.toml); Invalid names what is wrong."""
    try:
        policies = tuple(_policy(p) for p in raw["policy"])
        name, version = raw["name"], str(raw["version"])
    except KeyError as missing:
        raise Invalid(f"The policy set lacks {missing}.") from None
    if len({p.id for p in policies}) != len(policies):
        raise Invalid("Two policies of the set have the same id.")
    return PolicySet(
        name=_text("The policy set", "name", name),
        version=version,
        policies=policies,
        sample_rate=_share("The policy set", "sample_rate", raw.get("sample_rate", 0.0)),
        review_hours=_whole("The policy set", "review_hours", raw.get("review_hours", 72), 1, MAX_REVIEW_HOURS),
    )


def _policy(raw: dict[str, Any]) -> Policy:
    where = f"Policy {raw['id']}"
    if raw.get("on_appeal", "reverse") not in ("reverse", "hold"):
        raise Invalid(f"{where}: on_appeal must be reverse or hold.")
    allows, scale = tuple(raw["allows"]), tuple(raw["severity_scale"])
    unknown = [str(kind) for kind in allows if kind not in catalog.KINDS]
    if unknown:
        raise Invalid(f"{where} allows {', '.join(unknown)}, which nobody can do; there is {', '.join(catalog.KINDS)}.")
    proposes = tuple(_proposed(where, a) for a in raw.get("proposes", []))
    stray = [a.kind for a in proposes if a.kind not in allows]
    if stray:
        raise Invalid(f"{where} proposes {', '.join(stray)}, which it does not allow.")
    if len(scale) != 5:
        raise Invalid(f"{where}: severity_scale needs five sentences, for 0 to 4.")
    return Policy(
        id=_text("A policy", "id", raw["id"]),
        title=_text(where, "title", raw["title"]),
        text=_text(where, "text", raw["text"]),
        severity_scale=scale,
        review_at=_share(where, "review_at", raw["review_at"]),
        proposes=proposes,
        allows=allows,
        on_appeal=raw.get("on_appeal", "reverse"),
        urgency=_whole(where, "urgency", raw.get("urgency", 0), 0, 9),
        sensitive=bool(raw.get("sensitive", False)),
    )


def _proposed(where: str, raw: dict[str, Any]) -> ProposedAction:
    try:
        kind, on, params = raw["kind"], raw["on"], dict(raw.get("params", {}))
    except KeyError as missing:
        raise Invalid(f"{where}: a proposed action lacks {missing}.") from None
    known = catalog.KINDS.get(kind)
    if known is None:
        raise Invalid(f"{where} proposes {kind}, which nobody can do; there is {', '.join(catalog.KINDS)}.")
    if on != known.on:
        raise Invalid(f"{where}: {kind} is done to the {known.on}, so `on` must be {known.on}, not {on}.")
    try:
        catalog.check_params(kind, params)
    except Invalid as trouble:
        raise Invalid(f"{where} proposes it wrongly: {trouble.detail}") from None
    return ProposedAction(kind, on, params)


def _text(where: str, name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Invalid(f"{where}: {name} must be a text.")
    return value


def _share(where: str, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise Invalid(f"{where}: {name} must lie between 0 and 1.")
    return float(value)


def _whole(where: str, name: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Invalid(f"{where}: {name} must be a whole number from {least} to {most}.")
    return value
