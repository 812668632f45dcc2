"""What callers were told of their cases a moment ago: hints that spare looks at the database, never an answer."""

from hitl.domain.cases import AT_REST
from hitl.domain.people import Person
from hitl.operations.shown import Shown
from hitl.store.notify import Change

MOST = 10_000
MOST_SEEN = 500  # whole cases, each of a few kB
AGED = 600.0  # seconds after which what was seen of a case is worth a new look
ANY = 2**63


class Recent:
    """Versions that answers named, and those that wake-ups named since; forgets everything when it is full."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[Person, int]] = {}
        self._newest: dict[str, int] = {}
        self._seen: dict[str, Shown] = {}

    def tell(self, person: Person, case_id: str, version: int) -> None:
        """Note that a person, who may see the case, was just told its version."""
        if len(self._told) >= MOST:
            self._told.clear()
        self._told[case_id] = (person, version)
        self._seen.pop(case_id, None)

    def see(self, seen: Shown) -> None:
        """Note how a case stands; nothing of one that is under way, which will look different at once."""
        if seen.row["status"] not in AT_REST:
            return
        if len(self._seen) >= MOST_SEEN:
            self._seen.clear()
        self._seen[seen.row["case_id"]] = seen

    def seen(self, case_id: str) -> Shown | None:
        """How a case stood when it was last shown here, if nothing newer was heard of."""
        seen = self._seen.get(case_id)
        if seen is None or seen.age > AGED or self._newest.get(case_id, 0) > seen.row["version"]:
            return None
        return seen

    def hear(self, change: Change) -> None:
        """Note that a case changed."""
        if len(self._newest) >= MOST:
            self._told.clear()  # what is forgotten here must not look current there
            self._newest.clear()
            self._seen.clear()
        self._newest[change.case_id] = newest = max(change.version or ANY, self._newest.get(change.case_id, 0))
        if (seen := self._seen.get(change.case_id)) and seen.row["version"] < newest:
            self._seen.pop(change.case_id, None)

    def current(self, person: Person, case_id: str) -> int | None:
        """The version last told to this person (to anybody, for staff), if nothing newer was heard of."""
        to, told = self._told.get(case_id, (person, None))
        if told is None or self._newest.get(case_id, 0) > told:
            return None
        return told if to == person or (person.staff and person.tenant == to.tenant) else None
