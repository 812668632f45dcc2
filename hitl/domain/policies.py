"""Written rules that content is judged by: thresholds, allowed actions, what an appeal does. Versioned data."""

from dataclasses import dataclass
from typing import Any, Literal

from hitl.errors import Invalid

OnAppeal = Literal["reverse", "hold"]


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
        found = PolicySet(
            name=raw["name"],
            version=str(raw["version"]),
            policies=policies,
            sample_rate=float(raw.get("sample_rate", 0.0)),
            review_hours=int(raw.get("review_hours", 72)),
        )
    except KeyError as missing:
        raise Invalid(f"The policy set lacks {missing}.") from None
    if len({p.id for p in policies}) != len(policies):
        raise Invalid("Two policies of the set have the same id.")
    if not 0.0 <= found.sample_rate <= 1.0:
        raise Invalid("sample_rate must lie between 0 and 1.")
    return found


def _policy(raw: dict[str, Any]) -> Policy:
    if not 0.0 <= float(raw["review_at"]) <= 1.0:
        raise Invalid(f"Policy {raw['id']}: review_at must lie between 0 and 1.")
    if raw.get("on_appeal", "reverse") not in ("reverse", "hold"):
        raise Invalid(f"Policy {raw['id']}: on_appeal must be reverse or hold.")
    proposes = tuple(ProposedAction(a["kind"], a["on"], a.get("params", {})) for a in raw.get("proposes", []))
    allows = tuple(raw["allows"])
    stray = [a.kind for a in proposes if a.kind not in allows]
    if stray:
        raise Invalid(f"Policy {raw['id']} proposes {', '.join(stray)}, which it does not allow.")
    scale = tuple(raw["severity_scale"])
    if len(scale) != 5:
        raise Invalid(f"Policy {raw['id']}: severity_scale needs five sentences, for 0 to 4.")
    return Policy(
        id=raw["id"],
        title=raw["title"],
        text=raw["text"],
        severity_scale=scale,
        review_at=float(raw["review_at"]),
        proposes=proposes,
        allows=allows,
        on_appeal=raw.get("on_appeal", "reverse"),
        urgency=int(raw.get("urgency", 0)),
        sensitive=bool(raw.get("sensitive", False)),
    )
