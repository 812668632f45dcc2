"""Who else is there: all that fairness needs to know of those who came lately."""

from collections.abc import Callable, Hashable

SECONDS = 60.0  # so long somebody counts as being there


class Company:
    """Remembers the last two who came, since one of any two is somebody else."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._latest: dict[Hashable, float] = {}

    def meet(self, who: Hashable) -> None:
        """Somebody came."""
        self._latest.pop(who, None)
        self._latest[who] = self._clock()
        for earlier in list(self._latest)[:-2]:
            del self._latest[earlier]

    def of(self, who: Hashable) -> bool:
        """Whether anybody else is there."""
        now = self._clock()
        return any(now - at < SECONDS for other, at in self._latest.items() if other != who)
