"""A chat model behind the analyzer port: it gives an opinion, and never more than an opinion."""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hitl.analyzers.breaker import CircuitBreaker, Outcome
from hitl.analyzers.chat_model import answer, failures, model, prompt
from hitl.analyzers.chat_model.deadline import Deadline, TooManyAbandoned
from hitl.analyzers.port import AnalyzerBusy, AnalyzerUnavailable
from hitl.domain.policies import Policy, PolicySet
from hitl.domain.verdicts import Analysis, Post

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

DEFAULT = "groq:openai/gpt-oss-safeguard-20b"
FINISHED = frozenset({"stop", "tool_calls", "function_call", "end_turn", "tool_use", "stop_sequence"})
_SCALE = ("Not a greeting", "A greeting", "A greeting", "A greeting", "A greeting")
_PROBE = PolicySet("check", "1", (Policy("greeting", "Greetings", "Covered: greetings.", _SCALE, 0.5, (), ()),))


class ChatModelAnalyzer:
    """Judges posts by asking `provider:model`, such as `groq:openai/gpt-oss-safeguard-20b`.

    `timeout` is the limit in seconds for a whole call; for Groq, `base_url` is the host's root. Connects on first use,
    so that a missing key stops nobody from starting.
    """

    def __init__(
        self,
        spec: str = DEFAULT,
        *,
        timeout: float = 20.0,
        clock: Callable[[], float] = time.monotonic,
        api_key: str | None = None,
        base_url: str | None = None,
    ) -> None:
        self.breaker = CircuitBreaker(clock=clock)
        self._spec, self._timeout = spec, timeout
        self._key, self._url = api_key, base_url
        self._deadline = Deadline(timeout)
        self._lock = threading.Lock()
        self._connection: model.Connection | None = None

    quick = False

    @property
    def name(self) -> str:
        """The spec and the version of the prompt."""
        return f"{self._spec}@{prompt.VERSION}"

    def analyze(self, post: Post, policies: PolicySet) -> Analysis:
        """Ask the model; raises AnalyzerBusy or AnalyzerUnavailable, and their messages hold nothing of the post."""
        chat = self._connected()
        ticket = self.breaker.admit()
        if ticket is None:
            raise AnalyzerUnavailable(f"{self._spec} kept failing; it is asked again within half a minute")
        outcome: Outcome = "unclear"
        try:
            found = self._ask(chat, post, policies)
            outcome = found.outcome if isinstance(found, failures.Failure) else "answered"
        finally:
            # Also when the thread is interrupted from outside: a probe that never reports would block all others.
            self.breaker.report(ticket, outcome)
        if isinstance(found, failures.Failure):
            raise found.error
        return found

    def check(self) -> str:
        """Ask about a greeting, past the breaker: proves key, model name, schema and network at once."""
        found = self._ask(self._connected(), Post("Hello!"), _PROBE)
        if not isinstance(found, failures.Failure):
            return f"{self.name} answers ({found.usage.get('total_tokens', 0)} tokens for a greeting)"
        if isinstance(found.error, AnalyzerBusy):
            raise AnalyzerUnavailable(f"{self._spec}: rate limit reached; {found.error}")
        raise found.error

    def close(self) -> None:
        """Hang up; the next question connects again."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection:
            connection.close()

    def _connected(self) -> "BaseChatModel":
        with self._lock:
            if self._connection is None:
                self._connection = model.connect(
                    self._spec, timeout=self._timeout, api_key=self._key, base_url=self._url
                )
            return self._connection.model

    def _ask(self, chat: "BaseChatModel", post: Post, policies: PolicySet) -> Analysis | failures.Failure:
        # Failures are returned, not raised from within: an exception's context would carry the provider's words along.
        try:
            shape = answer.schema(tuple(p.id for p in policies.policies))
            asked = chat.with_structured_output(shape, include_raw=True, **model.structured_output(self._spec))
            said: Any = self._deadline.call(lambda: asked.invoke(prompt.messages(post, policies)))
            return self._read(said, post)
        except (TimeoutError, TooManyAbandoned):
            return failures.too_slow(self._spec, self._timeout)
        except Exception as error:  # noqa: BLE001 -- whatever a provider's client raises, people decide
            return failures.understand(error, self._spec)

    def _read(self, said: dict[str, Any], post: Post) -> Analysis | failures.Failure:
        raw, parsed = said["raw"], said["parsed"]
        meta = raw.response_metadata
        ended = str(meta.get("finish_reason") or meta.get("stop_reason") or "stop").lower()
        if ended not in FINISHED:
            return failures.nonsense(self._spec, f"broke off its answer ({ended[:20]})")
        if not isinstance(parsed, answer.Judgment) or len(raw.tool_calls) + len(raw.invalid_tool_calls) > 1:
            return failures.nonsense(self._spec, "answered outside the schema")
        return answer.analysis(parsed, post, self.name, raw.usage_metadata)
