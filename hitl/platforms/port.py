"""The port to the world: the ledger alone calls it, outside any transaction.

A target is `post:<content_id>` or `author:<author_id>`. Its state is a flat JSON object from *aspect* to value, in
which an absent aspect means untouched. `domain.actions.aspect` says which aspect an action changes: its kind
(`remove_content`, `suspend_author`), kind and label (`label_content:spam`), or kind and action
(`strike_author:<action_id>`). A reversal restores exactly the aspect's value in `before` (None = untouched).
"""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from hitl.domain.texts import kept

MAX_SAID = 1000
Guarantee = Literal["key", "query", "none"]


@dataclass(frozen=True, slots=True)
class KindManifest:
    """What the platform promises for one kind: how repeats are told apart, and whether its effect can be read back."""

    guarantee: Guarantee
    readable: bool


@dataclass(frozen=True, slots=True)
class Effect:
    """One call: `before` is the aspect's value to restore when direction is `reverse`; `reverses` the undone action."""

    action_id: str
    kind: str
    target: str
    params: dict[str, Any]
    direction: Literal["forward", "reverse"]
    before: Any = None
    reverses: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The platform's word that it was done: its own reference, and the aspect's value afterwards."""

    reference: str
    after: Any


class _Said(Exception):
    """Words from outside, as they can be kept."""

    def __init__(self, said: str = "") -> None:
        super().__init__(kept(said, MAX_SAID))


class EffectRefused(_Said):
    """The platform said no, definitely: nothing was done."""


class EffectUnknown(_Said):
    """No clear answer came: it may or may not have been done."""


class Platform(Protocol):
    """Where actions land. Thread-safe; built once per process."""

    @property
    def quick(self) -> bool:
        """Whether it answers within milliseconds."""
        ...

    def manifest(self) -> dict[str, KindManifest]:
        """What is promised per kind; raises EffectUnknown when the platform cannot be reached."""
        ...

    def read(self, target: str) -> dict[str, Any]:
        """The target's present state, aspect to value; raises EffectUnknown when it cannot be read."""
        ...

    def apply(self, effect: Effect, *, key: str) -> Receipt:
        """Do it once per key; raises EffectRefused or EffectUnknown and nothing else."""
        ...

    def find(self, key: str) -> Receipt | None:
        """The receipt of an earlier call with that key, None when it never arrived; raises EffectUnknown."""
        ...
