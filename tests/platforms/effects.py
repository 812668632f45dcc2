"""Effects for tests, with ids of their own."""

from typing import Any

from hitl.clock import new_id
from hitl.domain.actions import KINDS
from hitl.platforms.port import Effect

PARAMS: dict[str, dict[str, Any]] = {"label_content": {"label": "spam"}, "suspend_author": {"days": 7}}


def forward(kind: str = "remove_content", target: str | None = None, **params: Any) -> Effect:
    """A forward effect on a fresh target, with parameters that the kind accepts."""
    target = target or f"{KINDS[kind].on}:{new_id()}"
    return Effect(new_id(), kind, target, params or PARAMS.get(kind, {}), "forward")


def reverse(effect: Effect, before: Any) -> Effect:
    """The reversal of that effect."""
    return Effect(new_id(), effect.kind, effect.target, effect.params, "reverse", before, effect.action_id)
