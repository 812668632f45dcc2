"""A case on its way through appeals."""

from tests.graphs.house import ADMIN, SUPERVISOR, SUPERVISOR_2, House, edit


def held_appeal(house: House) -> tuple[str, int]:
    """A decision that has something to undo, in a case of which something else could not be undone; its command."""
    house.analyzer.policies = ("violence",)
    case_id = house.acted("edit", actions=edit("remove_content"), content_id="p")
    house.world.state["post:p"] = {"remove_content": {"by": "the law"}}
    house.rollback(case_id, by=SUPERVISOR)
    house.insist()
    house.decide(case_id, "edit", by=SUPERVISOR_2, actions=edit(suspend_author={"days": 3}))
    house.drain()
    house.rollback(case_id)
    house.drain()
    assert house.show(case_id)["appeal"]["on_appeal"] == "hold"
    house.decide(case_id, "reject", by=ADMIN)
    (command_id,) = house.due()
    return case_id, command_id
