"""HITL_ANALYZER: what it can be, and what is said when it is something else."""

import pytest

from hitl.analyzers import factory
from hitl.analyzers.chat_model import ChatModelAnalyzer
from hitl.domain.verdicts import Post, judge
from hitl.errors import Invalid
from tests.policies import default_policies


def test_a_provider_and_model_make_a_chat_model() -> None:
    analyzer = factory.build("groq:openai/gpt-oss-safeguard-20b")
    assert isinstance(analyzer, ChatModelAnalyzer)
    assert analyzer.name.startswith("groq:openai/gpt-oss-safeguard-20b@")


def test_the_stub_suspects_everything_and_says_what_it_is() -> None:
    stub = factory.build("stub:0")
    verdict = judge(stub.analyze(Post("Good morning."), default_policies()), default_policies())
    assert verdict.suspect
    assert [(f.policy, f.severity, f.confidence) for f in verdict.categories] == [("harassment", 2, 1.0)]
    assert "benchmarks" in stub.check()


def test_the_stub_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    factory.build("stub:250").analyze(Post("x"), default_policies())
    assert waited == [0.25]


@pytest.mark.parametrize("spec", ["local", "stub:0", "stub:200", "groq:openai/gpt-oss-safeguard-20b"])
def test_how_quick_it_is_can_be_told_without_building_it(spec: str) -> None:
    assert factory.is_quick(spec) == factory.build(spec).quick


@pytest.mark.parametrize(
    "spec",
    ["", "locl", "stub:", "stub:-1", "stub:1.5", "stub:²", "stub:9999999", ":model", "groq:", " local", "groq:x "],
)
def test_anything_else_teaches_the_choices(spec: str) -> None:
    with pytest.raises(Invalid) as caught:
        factory.build(spec)
    assert "HITL_ANALYZER" in caught.value.detail
    assert "stub:MILLISECONDS" in caught.value.detail


def test_only_groq_is_handed_groqs_key() -> None:
    assert "gsk_secret" not in str(vars(factory.build("openai:gpt-x", groq_api_key="gsk_secret")))
