"""What a witness is told to do to calls of a kind, until it is told otherwise."""

import threading
from typing import Any, Literal

Does = Literal["refuse", "change", "drop", "stall"]
ONCE = "stall"  # a repeat is answered at once


class Orders:
    """By kind and direction: `refuse` (422, nothing is done), `change` (what is shown is somebody else's by then), or
    a fault that every such call suffers after it was carried out, a `stall` but once.
    """

    def __init__(self) -> None:
        self._given: dict[tuple[str, str], Does] = {}
        self._lock = threading.Lock()

    def give(self, kind: str, direction: str, does: Does | None) -> dict[str, Any]:
        """What happens to such calls from now on; None: nothing unusual."""
        with self._lock:
            self._given.pop((kind, direction), None)
            if does:
                self._given[kind, direction] = does
        return {"kind": kind, "direction": direction, "does": does}

    def take(self, kind: str, direction: str) -> Literal["refuse", "drop", "stall"] | None:
        """What is to happen to a call."""
        with self._lock:
            does = self._given.get((kind, direction))
            if does == ONCE:
                del self._given[kind, direction]
        return None if does == "change" else does

    def shown(self, aspect: str, value: Any) -> Any:
        """An aspect's value as it is shown to whoever is about to undo it."""
        with self._lock:
            changed = self._given.get((aspect.partition(":")[0], "reverse")) == "change"
        return {"by": "somebody else"} if changed else value
