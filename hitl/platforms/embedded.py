"""The embedded forum as a platform: every effect is one transaction in Guardian's own database."""

from datetime import datetime
from typing import Any, Protocol

from hitl.domain.actions import KINDS
from hitl.errors import GuardianError, Invalid
from hitl.platforms import catalog, standing
from hitl.platforms.port import Effect, EffectRefused, EffectUnknown, KindManifest, Receipt

MESSAGES = {
    "notify_author": "notice",
    "warn_author": "warning",
    "strike_author": "strike",
    "suspend_author": "suspension",
}


class Forum(Protocol):
    """What the forum's tables offer (hitl.store.forum.Forum); raises GuardianErrors."""

    def state(self, tenant: str, target: str) -> tuple[dict[str, Any], datetime]:
        """The target's aspects, and the database's time of reading."""
        ...

    def inbox(self, tenant: str, target: str, limit: int = 50) -> list[dict[str, Any]]:
        """What the author was told, newest first."""
        ...

    def done(self, tenant: str, key: str) -> dict[str, Any] | None:
        """What was done under that key."""
        ...

    def do(
        self,
        tenant: str,
        key: str,
        act: dict[str, Any],
        *,
        aspect: str | None,
        after: Any,
        days: int | None = None,
        message: str | None = None,
    ) -> dict[str, Any]:
        """Set the aspect once per key, and return what was done under that key."""
        ...


class EmbeddedForum:
    """A Platform for one tenant, and the readers that a desk shows its effects with."""

    quick = True

    def __init__(self, forum: Forum, tenant: str = "default") -> None:
        self._forum = forum
        self._tenant = tenant

    def manifest(self) -> dict[str, KindManifest]:
        """Every kind keeps its keys; what was said to an author cannot be read back."""
        return {name: KindManifest("key", readable=name != "notify_author") for name in KINDS}

    def read(self, target: str) -> dict[str, Any]:
        """The target's present state; what nothing was ever done to has an empty one."""
        if not catalog.sendable(target):
            return {}
        try:
            return self._forum.state(self._tenant, target)[0]
        except GuardianError as error:
            raise EffectUnknown(error.detail) from error

    def apply(self, effect: Effect, *, key: str) -> Receipt:
        """Do it once per key; the same key for something else is refused."""
        catalog.check(effect, key)
        if effect.kind not in KINDS:
            raise EffectRefused("The forum knows no such kind of action.")
        try:
            done = self._do(effect, key)
        except Invalid as error:
            raise EffectRefused(error.detail) from error
        except GuardianError as error:
            raise EffectUnknown(error.detail) from error
        if any(done[part] != getattr(effect, part) for part in ("action_id", "kind", "target", "direction", "params")):
            raise EffectRefused("This key was used for another action.")
        return _receipt(done)

    def find(self, key: str) -> Receipt | None:
        """The receipt of an earlier call with that key, None when it never arrived."""
        if not catalog.KEY.match(key):
            return None
        try:
            done = self._forum.done(self._tenant, key)
        except GuardianError as error:
            raise EffectUnknown(error.detail) from error
        return _receipt(done) if done else None

    def post(self, content_id: str) -> dict[str, Any]:
        """`{visible, labels}` of a post as the forum shows it now."""
        return standing.post(self._forum.state(self._tenant, f"post:{content_id}")[0])

    def author(self, author_id: str) -> dict[str, Any]:
        """`{suspended, suspended_until, strikes, warnings}` of an author now."""
        return standing.author(*self._forum.state(self._tenant, f"author:{author_id}"))

    def inbox(self, author_id: str, limit: int = 50) -> list[dict[str, Any]]:
        """The author's messages, newest first: `{message_id, kind, about, params, at}`."""
        return self._forum.inbox(self._tenant, f"author:{author_id}", limit)

    def _do(self, effect: Effect, key: str) -> dict[str, Any]:
        forward = effect.direction == "forward"
        silent = effect.kind == "notify_author"
        after = catalog.value_of(effect.kind, effect.params) if forward else effect.before
        message = MESSAGES.get(effect.kind)
        return self._forum.do(
            self._tenant,
            key,
            {
                "action_id": effect.action_id,
                "kind": effect.kind,
                "target": effect.target,
                "direction": effect.direction,
                "params": effect.params,
                "about": effect.reverses or effect.action_id,
            },
            aspect=None if silent else catalog.aspect_of(effect),
            after=None if silent else after,
            days=effect.params.get("days") if forward and effect.kind == "suspend_author" else None,
            message=message if forward or message is None else "correction",
        )


def _receipt(done: dict[str, Any]) -> Receipt:
    return Receipt(f"forum:{done['number']}", done["after"])
