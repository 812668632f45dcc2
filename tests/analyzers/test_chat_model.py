"""The real ChatGroq client against a local server that speaks Groq's protocol: what a good day looks like."""

import json
import re
from collections.abc import Iterator
from contextlib import closing

import pytest

from hitl.analyzers.chat_model import ChatModelAnalyzer
from hitl.domain.policies import PolicySet
from hitl.domain.verdicts import Post, Span, judge
from tests.fakes.groq import FakeGroq, finding, verdict
from tests.policies import default_policies

POST = Post("You are a silly goose, and your cat is sillier.")


@pytest.fixture
def groq() -> Iterator[FakeGroq]:
    with FakeGroq() as fake:
        yield fake


@pytest.fixture
def analyzer(groq: FakeGroq) -> Iterator[ChatModelAnalyzer]:
    with closing(ChatModelAnalyzer(api_key="gsk_x", base_url=groq.url, timeout=5)) as analyzer:
        yield analyzer


@pytest.fixture
def policies() -> PolicySet:
    return default_policies()


def test_findings_carry_severity_confidence_and_spans(
    groq: FakeGroq, analyzer: ChatModelAnalyzer, policies: PolicySet
) -> None:
    groq.replies.append(verdict(finding("harassment", 2, 0.8, "silly goose", "sillier"), rationale="It insults."))
    found = analyzer.analyze(POST, policies)
    assert [(f.policy, f.severity, f.confidence) for f in found.findings] == [("harassment", 2, 0.8)]
    assert [POST.content[s.start : s.end] for s in found.findings[0].evidence] == ["silly goose", "sillier"]
    assert found.rationale == "It insults."
    assert found.analyzer == analyzer.name == "groq:openai/gpt-oss-safeguard-20b@1"
    assert found.usage == {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
    assert judge(found, policies).suspect


def test_an_all_clear_is_believed_when_it_keeps_to_the_schema(
    groq: FakeGroq, analyzer: ChatModelAnalyzer, policies: PolicySet
) -> None:
    groq.replies.append(verdict(finding("hate", 0, 1.0), rationale="Nothing."))
    found = analyzer.analyze(POST, policies)
    assert found.findings == ()
    assert not judge(found, policies).suspect


def test_the_written_policies_are_in_the_system_message_and_the_post_is_fenced_as_data(
    groq: FakeGroq, analyzer: ChatModelAnalyzer, policies: PolicySet
) -> None:
    analyzer.analyze(Post(POST.content, {"thread": "cats"}), policies)
    analyzer.analyze(POST, policies)
    system, human = (m["content"] for m in groq.asked[0]["messages"])
    for policy in policies.policies:
        assert policy.text.strip() in system
        assert all(step in system for step in policy.severity_scale)
    (fence,) = set(re.findall(r"=== DATA \w+ ===", system))
    assert f"{fence}\n{POST.content}\n{fence}" in human
    assert f'{fence}\n{{"thread": "cats"}}\n{fence}' in human
    assert POST.content not in system
    assert fence not in groq.asked[1]["messages"][0]["content"]


def test_the_tool_is_forced_and_its_schema_is_closed(
    groq: FakeGroq, analyzer: ChatModelAnalyzer, policies: PolicySet
) -> None:
    analyzer.analyze(POST, policies)
    (tool,) = groq.asked[0]["tools"]
    assert groq.asked[0]["tool_choice"]["function"]["name"] == tool["function"]["name"]
    schema = json.dumps(tool)
    assert all(f'"{p.id}"' in schema for p in policies.policies)
    assert tool["function"]["parameters"]["additionalProperties"] is False


def test_models_that_enforce_a_schema_are_asked_to(groq: FakeGroq, policies: PolicySet) -> None:
    groq.replies.append(verdict(finding("spam", 4, 0.9)))
    with closing(ChatModelAnalyzer("groq:openai/gpt-oss-20b", api_key="gsk_x", base_url=groq.url)) as analyzer:
        assert analyzer.analyze(POST, policies).findings[0].policy == "spam"
    assert groq.asked[0]["response_format"]["json_schema"]["strict"] is True


def test_quotes_that_are_not_in_the_text_are_dropped(
    groq: FakeGroq, analyzer: ChatModelAnalyzer, policies: PolicySet
) -> None:
    groq.replies.append(verdict(finding("harassment", 2, 0.8, "invented", "“silly goose…”"), rationale="So."))
    found = analyzer.analyze(POST, policies)
    assert found.findings[0].evidence == (Span(10, 21),)
    assert found.rationale == "So."


def test_a_finding_whose_every_quote_is_invented_is_kept_and_noted(
    groq: FakeGroq, analyzer: ChatModelAnalyzer, policies: PolicySet
) -> None:
    groq.replies.append(verdict(finding("harassment", 2, 0.8, "invented"), rationale="So."))
    found = analyzer.analyze(POST, policies)
    assert found.findings[0].evidence == ()
    assert found.rationale == "So. [The quotes given for harassment are not in the text.]"


def test_spans_count_code_points(groq: FakeGroq, analyzer: ChatModelAnalyzer, policies: PolicySet) -> None:
    post = Post("👩‍👩‍👧 " * 3 + "silly")
    groq.replies.append(verdict(finding("harassment", 1, 0.5, "silly")))
    (span,) = analyzer.analyze(post, policies).findings[0].evidence
    assert post.content[span.start : span.end] == "silly"


def test_a_policy_named_twice_counts_once_and_at_its_strongest(
    groq: FakeGroq, analyzer: ChatModelAnalyzer, policies: PolicySet
) -> None:
    groq.replies.append(verdict(finding("spam", 3, 0.7), finding("spam", 1, 0.9)))
    (found,) = analyzer.analyze(POST, policies).findings
    assert (found.severity, found.confidence) == (3, 0.7)


def test_however_sure_the_model_is_profanity_alone_asks_nobody(
    groq: FakeGroq, analyzer: ChatModelAnalyzer, policies: PolicySet
) -> None:
    groq.replies.append(verdict(finding("profanity", 3, 1.0)))
    assert not judge(analyzer.analyze(POST, policies), policies).suspect


def test_a_rationale_is_what_postgres_can_hold(
    groq: FakeGroq, analyzer: ChatModelAnalyzer, policies: PolicySet
) -> None:
    groq.replies.append(verdict(rationale="a\0b\ud800c" + "x" * 5000))
    found = analyzer.analyze(POST, policies)
    assert found.rationale.startswith("ab?cxxx")
    assert len(found.rationale) <= 1000


def test_check_says_that_it_answers(groq: FakeGroq, analyzer: ChatModelAnalyzer) -> None:
    groq.replies.append(verdict(finding("greeting", 1, 0.9, "Hello")))
    assert "answers (18 tokens" in analyzer.check()


def test_an_address_with_the_clients_own_path_works_too(groq: FakeGroq, policies: PolicySet) -> None:
    with closing(ChatModelAnalyzer(api_key="gsk_x", base_url=groq.url + "/openai/v1/")) as analyzer:
        assert analyzer.analyze(POST, policies).findings == ()
