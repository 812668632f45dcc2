"""The analysis of a case: read what to judge, store what was found. The first verdict wins."""

import random

from hitl.domain import reviews as rules
from hitl.domain.commands import Command
from hitl.domain.policies import PolicySet
from hitl.domain.verdicts import Post, Verdict
from hitl.store import analyses, cases, commands, policies
from hitl.store.postgres import DictRow, Tx


def subject(tx: Tx, case_id: str) -> tuple[Post, PolicySet] | DictRow:
    """What to judge and by which rules; or the verdict, when there is one already."""
    found = analyses.get(tx, case_id)
    if found is not None:
        return found
    case = cases.get(tx, case_id)
    text = analyses.text(tx, case_id)
    assert text is not None, "a case and its content are written together"
    return Post(text["body"], text["context"]), policies.get(tx, case.tenant_id, case.policy, case.policy_version)


def keep(tx: Tx, command: Command, verdict: Verdict, policy_set: PolicySet, latency_ms: int) -> DictRow:
    """Store a verdict and what it proposes, under the run's lease; returns the one that counts."""
    commands.hold(tx, command)
    case = cases.get(tx, command.case_id)
    sampled = not verdict.suspect and random.random() < policy_set.sample_rate  # noqa: S311
    broken = [p for finding in verdict.categories if (p := policy_set.get(finding.policy))]
    proposed = [a for p in broken for a in p.proposes] or list(rules.WITHOUT_A_POLICY)
    return analyses.keep(
        tx,
        case_id=case.case_id,
        tenant_id=case.tenant_id,
        round_=case.round,
        verdict=verdict,
        sampled=sampled,
        sensitive=any(p.sensitive for p in broken),
        urgency=max((p.urgency for p in broken), default=0),
        proposals=rules.targets(proposed, content_id=case.content_id, author_id=case.author_id),
        latency_ms=latency_ms,
    )
