"""Cases that a released version left paused at every gate are taken up by today's code: resumed, or parked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hitl.graphs.registry import VERSIONS
from hitl.platforms.embedded import EmbeddedForum
from hitl.store.forum import Forum
from tests.graphs.golden import dump
from tests.graphs.golden.gates import GATES
from tests.graphs.house import ADMIN, MODERATOR, SUPERVISOR, House

FILES = dump.files()


def test_every_version_served_has_its_golden_file() -> None:
    assert {label.replace("@", "-") for label in VERSIONS} <= {f.name.removesuffix(".json.gz") for f in FILES}


@pytest.fixture(params=FILES, ids=lambda f: f.name)
def golden(request: pytest.FixtureRequest, database_url: str) -> Iterator[tuple[House, dict[str, str]]]:
    """A house in which an earlier release's cases stand at their gates."""
    path: Path = request.param
    found = dump.read(path)
    dump.restore(database_url, found)
    house = House(database_url)
    house.platform = EmbeddedForum(Forum(house.store))
    yield house, found["gates"]
    house.close()


def test_every_gate_is_there(golden: tuple[House, dict[str, str]]) -> None:
    assert set(golden[1]) == set(GATES)


def test_every_case_goes_on_from_its_gate_and_ends_where_it_should(golden: tuple[House, dict[str, str]]) -> None:
    house, cases = golden

    house.insist()
    assert house.status(cases["received"]) == "waiting_review"
    assert house.show(cases["decided"])["outcome"] == "actioned"
    assert set(house.actions(cases["half_done"]).values()) == {"applied"}
    assert house.status(cases["appealed"]) == "waiting_review"
    assert house.show(cases["second_decided"])["outcome"] == "kept"

    house.decide(cases["waiting"], by=MODERATOR)
    house.decide(cases["second_review"], "reject", by=SUPERVISOR)
    house.rollback(cases["actioned"], by=SUPERVISOR)
    house.insist()
    assert house.show(cases["waiting"])["outcome"] == "actioned"
    assert house.show(cases["second_review"])["outcome"] == "kept"
    assert house.status(cases["actioned"]) == "waiting_review"
    assert not {"applied", "sending"} & set(house.actions(cases["actioned"]).values())
    house.decide(cases["actioned"], "reject", by=ADMIN)
    house.insist()
    assert house.show(cases["actioned"])["outcome"] == "kept"
