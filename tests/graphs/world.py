"""A platform and an analyzer that do as they are told: drop answers, refuse, be down, stall, crash."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from hitl.analyzers.port import AnalyzerUnavailable
from hitl.domain.actions import KINDS
from hitl.domain.policies import PolicySet
from hitl.domain.verdicts import Analysis, Finding, Post
from hitl.platforms import catalog
from hitl.platforms.port import Effect, EffectRefused, EffectUnknown, Guarantee, KindManifest, Receipt

Fault = Literal["drop", "lose", "refuse"]  # applied but not answered; neither; a definite no
Hook = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Done:
    """One effect that really happened."""

    action_id: str
    kind: str
    target: str
    direction: str
    key: str


@dataclass
class FakePlatform:
    """A platform with the port's semantics; `faults` are used up in order, hooks run at their points until cleared."""

    guarantee: Guarantee = "key"
    readable: bool = True
    quick: bool = True
    down: bool = False
    unreadable_now: bool = False
    state: dict[str, dict[str, Any]] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    finds: list[str] = field(default_factory=list)
    faults: list[Fault | None] = field(default_factory=list)
    refused_kinds: set[str] = field(default_factory=set)
    on_read: Hook | None = None
    before_apply: Hook | None = None
    after_apply: Hook | None = None
    overlap: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[str, Receipt] = {}
        self._busy: dict[str, int] = {}

    def manifest(self) -> dict[str, KindManifest]:
        self._reachable()
        told = {name: KindManifest(self.guarantee, readable=self.readable) for name in KINDS}
        return {**told, "notify_author": KindManifest(self.guarantee, readable=False)}

    def read(self, target: str) -> dict[str, Any]:
        self._reachable()
        if self.unreadable_now:
            raise EffectUnknown("the platform cannot be asked")
        with self._lock:
            found = dict(self.state.get(target, {}))
        _run(self.on_read)  # what was read may be old news by the time it arrives
        return found

    def find(self, key: str) -> Receipt | None:
        self._reachable()
        self.finds.append(key)
        with self._lock:
            return self._keys.get(key)

    def apply(self, effect: Effect, *, key: str) -> Receipt:
        self._reachable()
        self.calls.append(key)
        with self._lock:
            self._busy[effect.target] = self._busy.get(effect.target, 0) + 1
            self.overlap = max(self.overlap, self._busy[effect.target])
        try:
            _run(self.before_apply)
            receipt = self._apply(effect, key)
            _run(self.after_apply)
        finally:
            with self._lock:
                self._busy[effect.target] -= 1
        return receipt

    def _apply(self, effect: Effect, key: str) -> Receipt:
        fault = self.faults.pop(0) if self.faults else None
        if fault == "refuse" or effect.kind in self.refused_kinds:
            raise EffectRefused("the platform says no")
        if fault == "lose":
            raise EffectUnknown("the request was lost")
        with self._lock:
            known = self._keys.get(key) if self.guarantee == "key" else None
            receipt = known or self._do(effect, key)
        if fault == "drop":
            raise EffectUnknown("the answer was lost")
        return receipt

    def _do(self, effect: Effect, key: str) -> Receipt:
        aspect, held = catalog.aspect_of(effect), self.state.setdefault(effect.target, {})
        after = catalog.value_of(effect.kind, effect.params) if effect.direction == "forward" else effect.before
        if effect.kind != "notify_author":
            held.pop(aspect, None) if after is None else held.update({aspect: after})
        self.done.append(Done(effect.action_id, effect.kind, effect.target, effect.direction, key))
        self._keys[key] = Receipt(f"fake:{len(self.done)}", after)
        return self._keys[key]

    def _reachable(self) -> None:
        if self.down:
            raise EffectUnknown("the platform is down")

    def did(self, direction: str = "forward") -> list[str]:
        """The kinds of the effects that happened, in order."""
        return [d.kind for d in self.done if d.direction == direction]

    def shows(self, target: str) -> dict[str, Any]:
        """The target's aspects as they stand."""
        return dict(self.state.get(target, {}))


@dataclass
class FakeAnalyzer:
    """Finds `policies` in every post unless it is told to raise; `on_analyze` runs before it answers."""

    policies: tuple[str, ...] = ("harassment",)
    trouble: list[Exception] = field(default_factory=list)
    always: Exception | None = None
    usage: dict[str, int] = field(default_factory=dict)
    calls: int = 0
    on_analyze: Hook | None = None
    name: str = "fake@1"
    quick: bool = False

    def analyze(self, post: Post, policies: PolicySet) -> Analysis:
        self.calls += 1
        _run(self.on_analyze)
        if self.trouble:
            raise self.trouble.pop(0)
        if self.always:
            raise self.always
        found = tuple(Finding(p, 2, 0.9) for p in self.policies)
        return Analysis(found, f"read {len(post.content)}", self.name, usage=self.usage)

    def check(self) -> str:
        if self.always:
            raise AnalyzerUnavailable("told to be")
        return "as told"


def _run(hook: Hook | None) -> None:
    if hook:
        hook()
