"""What callers were told of their cases a moment ago: a hint that spares a look at the database, never an answer."""

from hitl.domain.people import Person
from hitl.store.notify import Change

MOST = 10_000
ANY = 2**63


class Recent:
    """Versions that answers named, and those that wake-ups named since; forgets everything when it is full."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[Person, int]] = {}
        self._newest: dict[str, int] = {}

    def tell(self, person: Person, case_id: str, version: int) -> None:
        """Note that a person, who may see the case, was just told its version."""
        if len(self._told) >= MOST:
            self._told.clear()
        self._told[case_id] = (person, version)

    def hear(self, change: Change) -> None:
        """Note that a case changed."""
        if len(self._newest) >= MOST:
            self._told.clear()  # what is forgotten here must not look current there
            self._newest.clear()
        self._newest[change.case_id] = max(change.version or ANY, self._newest.get(change.case_id, 0))

    def current(self, person: Person, case_id: str) -> int | None:
        """The version last told to this person (to anybody, for staff), if nothing newer was heard of."""
        to, told = self._told.get(case_id, (person, None))
        if told is None or self._newest.get(case_id, 0) > told:
            return None
        return told if to == person or (person.staff and person.tenant == to.tenant) else None
