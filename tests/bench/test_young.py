"""Plans of a database that nobody has analyzed: statements are planned while it is empty, and stay while it grows."""

from collections.abc import Iterator

import pytest

from bench.growth.measuring import Subject
from tests.services.postgres import Databases

CASES = 60
FEW = 30  # rows for one part of a plan; each case has but a few of its own
OTHERS = ("actions_on_target", "cases_by_author", "cases_by_starter")  # ways to one row along the rows of others


@pytest.fixture(scope="module")
def young(databases: Databases) -> Iterator[Subject]:
    with databases.fresh() as url:
        subject = Subject(url)
        for _ in range(CASES):
            subject.core.whole()
        subject.explained()
        yield subject
        subject.close()


VERBS = ["claim", "run: analyze, pause", "status", "decide", "run: act, complete", "rollback"]


@pytest.mark.parametrize("verb", [*VERBS, "run: reverse, pause", "run: complete"])
def test_a_case_looks_at_few_rows(young: Subject, verb: str) -> None:
    seen = [statement for (name, _), statement in young.plans.seen.items() if name == verb]
    assert seen
    assert [str(statement.worst) for statement in seen if statement.worst.touched > FEW] == []


@pytest.mark.parametrize("verb", ["status", "status, by its mark", "case"])
def test_a_case_is_found_by_its_own_id(young: Subject, verb: str) -> None:
    ways = {node.what for (name, _), seen in young.plans.seen.items() if name == verb for node in seen.nodes}
    assert "Index Scan cases_pkey" in ways
    assert not [way for way in ways if way.endswith(OTHERS)]
