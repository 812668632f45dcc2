"""The customer's own platform behind its HTTP API (docs/platforms.md says what it must answer)."""

import base64
import hashlib
import json
import re
import threading
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import orjson
from standardwebhooks import Webhook

from hitl import room
from hitl.errors import Invalid
from hitl.platforms import catalog
from hitl.platforms.exchange import Answer, Exchange
from hitl.platforms.port import Effect, EffectRefused, EffectUnknown, KindManifest, Receipt

FRESH_SECONDS = 60.0  # how long a manifest is taken as read
MAX_DETAIL = 300
MAX_REFERENCE = 200
MAX_SENT = 64 * 1024
NOT_A_NO = (408, 425, 429)  # 4xx that say "not now"
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class HttpPlatform:
    """A Platform over HTTP; thread-safe, one per process. Raises Invalid for a URL or secret that cannot be used."""

    quick = False

    def __init__(self, url: str, *, secret: str | None, timeout: float = 10.0) -> None:
        self._exchange = Exchange(url, timeout)
        self._webhook = _webhook(secret)
        self._manifest: tuple[float, dict[str, KindManifest]] | None = None
        self._lock = threading.Lock()

    def manifest(self) -> dict[str, KindManifest]:
        """What is promised per kind, asked at most once a minute."""
        known = self._manifest
        if known is None or _stale(known):
            with room.away(), self._lock:  # not the other way round: who waits for a place must hold up nobody
                known = self._asked()
        return dict(known[1])

    def read(self, target: str) -> dict[str, Any]:
        """The target's present state, aspect to value; null counts as untouched."""
        state = _object(self._get(f"/targets/{_segment(target)}"))
        return {aspect: value for aspect, value in state.items() if value is not None}

    def apply(self, effect: Effect, *, key: str) -> Receipt:
        """Send it once; what comes back decides between applied, refused and unknown."""
        catalog.check(effect, key)
        body = _body(effect)
        headers = {"Idempotency-Key": key, **self._signed(key, body)}
        answer = self._exchange.send("POST", "/actions", headers, body)
        if 200 <= answer.status < 300:
            return _receipt(answer)
        if 400 <= answer.status < 500 and answer.status not in NOT_A_NO:
            raise EffectRefused(_detail(answer))
        raise EffectUnknown(_detail(answer))

    def find(self, key: str) -> Receipt | None:
        """The receipt of an earlier call with that key, None when it never arrived."""
        answer = self._get(f"/actions/{_segment(key)}")
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise EffectUnknown(_detail(answer))
        return _receipt(answer)

    def close(self) -> None:
        """Let go of every connection."""
        self._exchange.close()

    def _asked(self) -> tuple[float, dict[str, KindManifest]]:
        if self._manifest is None or _stale(self._manifest):
            self._manifest = (time.monotonic(), _manifest(self._get("/manifest")))
        return self._manifest

    def _get(self, path: str) -> Answer:
        """A GET, signed over its empty body; the id names the path, so that the signature opens nothing else."""
        return self._exchange.send("GET", path, self._signed(f"GET {self._exchange.path(path)}", b""))

    def _signed(self, name: str, body: bytes) -> dict[str, str]:
        if self._webhook is None:
            return {}
        now = datetime.now(UTC)
        message = "msg_" + hashlib.sha256(name.encode()).hexdigest()[:32]
        return {
            "webhook-id": message,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(message, now, body.decode()),
        }


def _webhook(secret: str | None) -> Webhook | None:
    if secret is None:
        return None
    text = secret.removeprefix("whsec_").rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        key = b""
    if not 24 <= len(key) <= 64:
        raise Invalid("The platform's secret is whsec_ and 24 to 64 random bytes in base64.")
    return Webhook(key)


def _segment(text: str) -> str:
    if not catalog.sendable(text):
        raise EffectUnknown("Such a name cannot stand in a URL, so the platform cannot be asked for it.")
    return quote(text, safe="")


def _body(effect: Effect) -> bytes:
    body = json.dumps(
        {
            "action_id": effect.action_id,
            "kind": effect.kind,
            "target": effect.target,
            "params": effect.params,
            "direction": effect.direction,
            "before": effect.before,
            "reverses": effect.reverses,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()
    if len(body) > MAX_SENT:
        raise EffectRefused(f"The action is larger than {MAX_SENT} bytes; it was not sent.")
    return body


def _json(answer: Answer) -> Any:
    if answer.body is None:
        raise EffectUnknown(f"The platform answered {answer.status}, but its answer was too long or broke off.")
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        raise EffectUnknown(f"The platform answered {answer.status} with something that is not JSON.") from None
    if not catalog.sendable(found):
        raise EffectUnknown(f"The platform answered {answer.status} with JSON that cannot be kept.")
    return found


def _object(answer: Answer) -> dict[str, Any]:
    if answer.status != 200:
        raise EffectUnknown(_detail(answer))
    found = _json(answer)
    if not isinstance(found, dict):
        raise EffectUnknown("The platform answered with something that is not a JSON object.")
    return found


def _stale(known: tuple[float, object]) -> bool:
    return time.monotonic() - known[0] > FRESH_SECONDS


def _manifest(answer: Answer) -> dict[str, KindManifest]:
    kinds = {}
    for name, promise in _object(answer).items():
        guarantee = promise.get("guarantee") if isinstance(promise, dict) else None
        readable = promise.get("readable") if isinstance(promise, dict) else None
        if guarantee not in ("key", "query", "none") or not isinstance(readable, bool):
            raise EffectUnknown(f"The platform's manifest is not to be understood at {_clean(name)[:80]!r}.")
        kinds[name] = KindManifest(guarantee, readable)
    return kinds


def _receipt(answer: Answer) -> Receipt:
    found = _json(answer)
    reference = found.get("reference") if isinstance(found, dict) else None
    if not isinstance(reference, str) or not 1 <= len(reference) <= MAX_REFERENCE or "after" not in found:
        raise EffectUnknown(f"The platform answered {answer.status} without a reference and an after.")
    return Receipt(reference, found["after"])


def _detail(answer: Answer) -> str:
    said: Any = (answer.body or b"").decode(errors="replace")
    try:
        problem = orjson.loads(answer.body or b"")
    except orjson.JSONDecodeError:
        problem = None
    if isinstance(problem, dict):
        said = problem.get("detail") or problem.get("title") or said
    return _clean(f"The platform answered {answer.status}: {said}")[:MAX_DETAIL]


def _clean(text: str) -> str:
    return CONTROL.sub(" ", text).strip()
