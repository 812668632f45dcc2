"""An analysis measured against thresholds; no analyzer at all; how long until the next attempt."""

from hypothesis import given
from hypothesis import strategies as st

from hitl.domain.commands import LEASE_SECONDS, MAX_ATTEMPTS, RENEW_SECONDS, backoff
from hitl.domain.verdicts import Analysis, Finding, judge, unavailable
from tests.policies import default_policies

POLICIES = default_policies()
FINDINGS = st.lists(
    st.builds(Finding, st.sampled_from([p.id for p in POLICIES.policies]), st.integers(0, 4), st.floats(0, 1)),
    max_size=8,
)


@given(FINDINGS)
def test_a_verdict_holds_exactly_what_is_over_its_threshold_strongest_first(findings: list[Finding]) -> None:
    verdict = judge(Analysis(tuple(findings), "why", "a@1"), POLICIES)
    over = [f for f in findings if f.confidence >= POLICIES.review_at(f.policy)]
    assert sorted(map(repr, verdict.categories)) == sorted(map(repr, over))
    assert verdict.suspect == bool(over)
    strengths = [(f.severity, f.confidence) for f in verdict.categories]
    assert strengths == sorted(strengths, reverse=True)


def test_a_reason_to_ask_people_is_enough() -> None:
    assert judge(Analysis((), "why", "a@1", to_people="unread-language"), POLICIES).suspect


def test_an_unknown_policy_is_always_for_people() -> None:
    assert judge(Analysis((Finding("no-such", 1, 0.0),), "why", "a@1"), POLICIES).suspect


def test_no_analyzer_is_for_people_and_never_an_acquittal() -> None:
    verdict = unavailable("a@1", "down")
    assert (verdict.suspect, verdict.unavailable, verdict.categories) == (True, True, ())


def test_a_lease_survives_two_missed_renewals_and_attempts_grow_apart() -> None:
    assert LEASE_SECONDS >= 3 * RENEW_SECONDS
    waits = [backoff(n) for n in range(1, MAX_ATTEMPTS)]
    assert waits == sorted(waits)
    assert sum(waits) <= 60
