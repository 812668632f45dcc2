"""What several tests begin with: somebody acts in between, or has changed what was done."""

import threading
from collections.abc import Callable

from tests.graphs.house import SUPERVISOR, SUPERVISOR_2, House, edit


def while_it_looks(house: House, act: Callable[[], object]) -> None:
    """Somebody acts, in another thread, while the next look at a target is under way."""

    def once() -> None:
        house.world.on_read = None
        other = threading.Thread(target=act)
        other.start()
        other.join()

    house.world.on_read = once


def kept_with_a_conflict(house: House) -> str:
    """A case kept in its second round, but its removal of post `p` was changed by somebody else and stands as it is."""
    case_id = house.acted("edit", actions=edit("remove_content"), content_id="p")
    house.world.state["post:p"] = {"remove_content": {"by": "the law"}}
    house.rollback(case_id, by=SUPERVISOR)
    house.insist()
    house.decide(case_id, "reject", by=SUPERVISOR_2)
    house.insist()
    assert house.show(case_id)["outcome"] == "actioned"
    return case_id
