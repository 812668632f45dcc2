"""From the setting HITL_ANALYZER to the analyzer that it names."""

from hitl.analyzers.port import Analyzer
from hitl.analyzers.stub import QUICK_MS, StubAnalyzer
from hitl.errors import Invalid

CHOICES = (
    "local (the embedded classifier), groq:openai/gpt-oss-safeguard-20b, any provider:model that LangChain knows, "
    "or stub:MILLISECONDS (for benchmarks)"
)
MAX_STUB_MS = 600_000


def build(spec: str, *, groq_api_key: str | None = None, groq_base_url: str | None = None) -> Analyzer:
    """The analyzer of that name; Invalid lists the choices. Nothing is contacted: a missing key shows in `check`."""
    provider, _, rest = spec.partition(":")
    if spec == "local":
        return _local()
    if provider == "stub":
        return StubAnalyzer(_milliseconds(spec, rest))
    if not provider or not rest or spec != spec.strip():
        raise Invalid(f"HITL_ANALYZER is {spec!r}, which names no analyzer. It can be {CHOICES}.")
    return _chat_model(spec, groq_api_key, groq_base_url)


def is_quick(spec: str) -> bool:
    """Whether the analyzer of that name answers within milliseconds; it is not built for this."""
    provider, _, rest = spec.partition(":")
    return spec == "local" or (provider == "stub" and _milliseconds(spec, rest) < QUICK_MS)


def _local() -> Analyzer:
    # Imported only when chosen: each costs memory and start-up time that the other does not need.
    from hitl.analyzers.local import LocalAnalyzer  # noqa: PLC0415

    return LocalAnalyzer()


def _chat_model(spec: str, api_key: str | None, base_url: str | None) -> Analyzer:
    from hitl.analyzers.chat_model import ChatModelAnalyzer  # noqa: PLC0415 -- as above

    groq = spec.startswith("groq:")
    return ChatModelAnalyzer(spec, api_key=api_key if groq else None, base_url=base_url if groq else None)


def _milliseconds(spec: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > MAX_STUB_MS:
        raise Invalid(f"HITL_ANALYZER is {spec!r}; stub:MILLISECONDS takes a whole number from 0 to {MAX_STUB_MS}.")
    return int(text)
