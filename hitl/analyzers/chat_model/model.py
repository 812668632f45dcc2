"""Building the chat model that a spec names, and choosing how it is held to the schema."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from hitl.analyzers.port import AnalyzerUnavailable

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

MAX_TOKENS = 4096  # reasoning counts too
# Groq enforces a schema for these two alone; for every other model, safeguard included, `strict` is silently dropped.
STRICT = frozenset({"openai/gpt-oss-20b", "openai/gpt-oss-120b"})


@dataclass(frozen=True, slots=True)
class Connection:
    """A chat model, and how to hang up."""

    model: "BaseChatModel"
    close: Callable[[], None]


def connect(spec: str, *, timeout: float, api_key: str | None, base_url: str | None) -> Connection:
    """The chat model of `provider:model`, without retries; AnalyzerUnavailable says what is missing."""
    provider, _, name = spec.partition(":")
    options: dict[str, Any] = {"timeout": timeout, "max_retries": 0, "temperature": 0.0, "max_tokens": MAX_TOKENS}
    options |= {k: v for k, v in (("api_key", api_key), ("base_url", base_url)) if v}
    try:
        return _groq(name, options) if provider == "groq" else _any(spec, options)
    except ImportError as error:
        raise AnalyzerUnavailable(f"{spec}: its package is not installed ({error.name or provider})") from None
    except Exception as error:  # noqa: BLE001 -- each provider's package has errors of its own for a missing key
        hint = "set GROQ_API_KEY" if provider == "groq" else "is its key set, and does LangChain know this provider?"
        raise AnalyzerUnavailable(f"{spec} cannot be used ({type(error).__name__}): {hint}") from None


def structured_output(spec: str) -> dict[str, Any]:
    """The arguments for `with_structured_output` that suit a model; for other providers, their own default."""
    provider, _, name = spec.partition(":")
    if provider != "groq":
        return {}
    return {"method": "json_schema", "strict": True} if name in STRICT else {"method": "function_calling"}


def _groq(name: str, options: dict[str, Any]) -> Connection:
    from langchain_groq import ChatGroq  # noqa: PLC0415 -- half a second that only its users pay

    if "base_url" in options:
        # The client appends /openai/v1 by itself; people paste the address with it.
        options["base_url"] = options["base_url"].rstrip("/").removesuffix("/openai/v1")
    client = httpx.Client(timeout=options["timeout"])
    try:
        return Connection(ChatGroq(model=name, http_client=client, **options), client.close)
    except BaseException:
        client.close()
        raise


def _any(spec: str, options: dict[str, Any]) -> Connection:
    from langchain.chat_models import init_chat_model  # noqa: PLC0415 -- as above

    return Connection(init_chat_model(spec, **options), lambda: None)
