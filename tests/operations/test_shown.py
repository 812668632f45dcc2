"""What staff may read of how things were settled, and nobody else."""

from typing import Any

from hitl.domain.people import Person
from tests.graphs.house import AUTHOR, MODERATOR, SUPERVISOR, House, edit


def _refused_and_left(house: House) -> str:
    house.world.refused_kinds = {"remove_content"}
    case_id = house.acted("edit", actions=edit("remove_content", "warn_author"), content_id="p")
    assert [a["needs_attention"] for a in house.show(case_id)["actions"]] == [True, False]
    house.settle(str(house.action(case_id, "remove_content")["action_id"]), "leave")
    return case_id


def _removal(house: House, case_id: str, person: Person) -> dict[str, Any]:
    return next(a for a in house.show(case_id, person)["actions"] if a["kind"] == "remove_content")


def test_staff_see_who_settled_what_how_and_why(house: House) -> None:
    case_id = _refused_and_left(house)
    for person in (MODERATOR, SUPERVISOR):
        found = _removal(house, case_id, person)
        (settlement,) = found["settlements"]
        assert settlement.pop("at")
        assert settlement == {"person": "dev-supervisor", "outcome": "leave", "reason": "looked"}
        assert not found["needs_attention"]


def test_authors_do_not(house: House) -> None:
    assert "settlements" not in _removal(house, _refused_and_left(house), AUTHOR)


def test_an_erased_text_leaves_the_rest_of_the_case_to_be_seen(house: House) -> None:
    case_id = house.acted(content_id="p")
    house.sql("delete from contents")
    assert (house.whole(case_id)["content"], house.whole(case_id)["context"]) == (None, None)
