"""Plans, never times: in a database that has been in use for a while, nothing hot reads a table from end to end."""

from collections.abc import Iterator

import pytest

from bench.growth import filling
from bench.growth.core import Core
from bench.growth.measuring import Subject
from tests.services.postgres import Databases

CLOSED, WAITING = 12_000, 1_200
MUCH = 1_500  # rows for one part of a plan: whoever counts the waiting may look at each of them


@pytest.fixture(scope="module")
def grown(databases: Databases) -> Iterator[Subject]:
    """Filled, analyzed, and every verb explained until its statements' plans are generic."""
    with databases.fresh() as url:
        core = Core(url)
        cases = filling.templates(core)
        core.close()
        for kind, many in (("closed", CLOSED), ("waiting", WAITING)):
            filling.fill(url, kind, cases[kind], many)
        filling.analyze(url)
        subject = Subject(url)
        subject.explained()
        yield subject
        subject.close()


def test_no_hot_statement_reads_a_table_that_grows_from_end_to_end(grown: Subject) -> None:
    found = {verb: sorted(statement.whole) for (verb, _), statement in grown.plans.seen.items() if statement.whole}

    assert found == {}


def test_no_hot_statement_looks_at_many_rows(grown: Subject) -> None:
    found = {verb: str(seen.worst) for (verb, _), seen in grown.plans.seen.items() if seen.worst.touched > MUCH}

    assert found == {}


def test_every_verb_of_a_whole_case_was_explained(grown: Subject) -> None:
    wanted = {"start", "relay: take", "claim", "run: analyze, pause", "run: act, complete", "run: reverse, pause"}

    assert wanted <= {verb for verb, _ in grown.plans.seen}


def test_copied_cases_go_on_like_any_other(grown: Subject) -> None:
    core = grown.core
    with core.store.transaction() as tx:
        row = tx.one("select case_id from reviews where status = 'open' order by review_id offset %s limit 1", (900,))
    assert row is not None

    review = core.status(row["case_id"])["review"]
    core.decide(row["case_id"], review["review_id"], "edit")
    core.deliver()

    assert core.status(row["case_id"])["outcome"] == "actioned"
