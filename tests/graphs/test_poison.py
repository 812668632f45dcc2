"""An analyzer that says what no database can hold sends the case to people, in one run; nobody else is harmed."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest

from hitl.analyzers.chat_model import ChatModelAnalyzer
from hitl.analyzers.port import AnalyzerUnavailable
from hitl.domain.policies import PolicySet
from hitl.domain.verdicts import Analysis, Finding, Post, Span
from tests.fakes import groq as fake
from tests.fakes.groq import FakeGroq
from tests.graphs.house import House
from tests.graphs.world import FakeAnalyzer

NUL, HALF, HUGE, NAN = "a\0b", "a\ud800b", 10**30, float("nan")
WELL = "a post like any other"


@dataclass
class Sick(FakeAnalyzer):
    """Says of a post what it was told to say; of others what a good one says."""

    says: Mapping[str, Any] = field(default_factory=dict)

    def analyze(self, post: Post, policies: PolicySet) -> Analysis:
        if post.content not in self.says:
            return super().analyze(post, policies)
        said_ = self.says[post.content]
        if isinstance(said_, Exception):
            raise said_
        return said_  # type: ignore[no-any-return]


def said(**more: Any) -> Analysis:
    known: dict[str, Any] = {"findings": (), "rationale": "Fine.", "analyzer": "sick@1"}
    return Analysis(**{**known, **more})


def finding(**more: Any) -> Analysis:
    known: dict[str, Any] = {"policy": "harassment", "severity": 2, "confidence": 0.9}
    return said(findings=(Finding(**{**known, **more}),))


NONSENSE = {
    "a policy with NUL": finding(policy=NUL),
    "half a policy": finding(policy=HALF),
    "a policy that is a number": finding(policy=7),
    "a confidence that is no number": finding(confidence=NAN),
    "a confidence below 0": finding(confidence=-1e300),
    "a confidence in words": finding(confidence="high"),
    "a huge severity": finding(severity=HUGE),
    "evidence beyond the text": finding(evidence=(Span(0, HUGE),)),
    "findings that are none": said(findings=(NUL,)),
    "findings without end": said(findings=7),
    "a rationale that is no text": said(rationale=7),
    "a reason that is no text": said(to_people={1: 2}),
    "nothing": None,
    "half a word of trouble": AnalyzerUnavailable(HALF),
    "NUL in its trouble": AnalyzerUnavailable(NUL),
    "a bug": ValueError(NUL),
}
ODD = {
    "a rationale with NUL": said(rationale=NUL),
    "half a rationale": said(rationale=HALF),
    "a rationale without end": said(rationale="a" * 5_000_000),
    "a name with NUL": said(analyzer=NUL),
    "a huge bill": said(usage={"total_tokens": HUGE}),
    "a bill in words": said(usage={"total_tokens": NUL, HALF: 1, 7: 1}),
    "a bill that is none": said(usage=[[[[1]]]]),
}


def judged(house: House, posts: list[str]) -> dict[str, tuple[Any, ...]]:
    """How each post's case stands: status, whether the verdict is `unavailable`, and how many runs that took."""
    for post in (*posts, WELL):
        house.start(post)
    house.drain()
    found = house.rows(
        """select body, status, unavailable, attempts from cases join contents using (case_id)
        join commands using (case_id) left join analyses using (case_id)"""
    )
    return {row["body"]: (row["status"], row["unavailable"], row["attempts"]) for row in found}


def test_findings_that_mean_nothing_send_the_case_to_people(house: House) -> None:
    house.analyzer = Sick(says=NONSENSE)
    to_people = dict.fromkeys(NONSENSE, ("waiting_review", True, 1))
    assert judged(house, list(NONSENSE)) == {**to_people, WELL: ("waiting_review", False, 1)}


def test_what_is_only_told_beside_the_findings_spoils_no_verdict(house: House) -> None:
    house.analyzer = Sick(says=ODD)
    allowed = dict.fromkeys(ODD, ("completed", False, 1))
    assert judged(house, list(ODD)) == {**allowed, WELL: ("waiting_review", False, 1)}
    assert house.rows("select 1 from analyses where length(rationale) > 10000") == []


MODEL_SAYS = {
    "NUL where it ended": fake.message({"content": "x"}, finish=NUL),
    "half of where it ended": fake.message({"content": "x"}, finish=HALF),
    "NUL in everything": fake.verdict(fake.finding("harassment", 2, 0.9, NUL), rationale=NUL),
    "halves in everything": fake.verdict(fake.finding("harassment", 2, 0.9, HALF), rationale=HALF),
    "NUL as a policy": fake.verdict(fake.finding(NUL)),
    "a huge severity": fake.verdict(fake.finding("harassment", HUGE)),
    "a deep answer": fake.arguments("[" * 5000 + "]" * 5000),
    "a field of NUL": fake.arguments(json.dumps({NUL: NUL})),
}


@pytest.fixture
def groq() -> Iterator[FakeGroq]:
    with FakeGroq() as server:
        yield server


def test_a_chat_model_that_writes_what_cannot_be_kept_sends_the_case_to_people(house: House, groq: FakeGroq) -> None:
    with closing(ChatModelAnalyzer(api_key="gsk_x", base_url=groq.url, timeout=10)) as model:
        house.analyzer = model  # type: ignore[assignment]
        groq.replies.extend(MODEL_SAYS.values())
        found = judged(house, list(MODEL_SAYS))
    assert found.pop(WELL) == ("completed", False, 1)
    assert {name: (status, runs) for name, (status, _, runs) in found.items()} == dict.fromkeys(
        MODEL_SAYS, ("waiting_review", 1)
    )
