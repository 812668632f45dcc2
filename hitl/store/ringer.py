"""Wake-ups on one machine: through its bells, and by NOTIFY for those who have none."""

from collections.abc import Callable, Iterable

from hitl.store.bells import Bells, Pipe
from hitl.store.notify import CASES, COMMANDS, Change, Due, Notifier, lines


class Ringer(Notifier):
    """Tells at once, through the bells of this machine; by NOTIFY what not everybody heard."""

    def __init__(self, url: str, bells: Bells) -> None:
        super().__init__(url)
        self._bells = bells
        self._own: Pipe | None = None
        self._hear: Callable[[list[Change]], None] = lambda _: None

    def spare(self, own: Pipe, tell: Callable[[list[Change]], None]) -> None:
        """Tell this process' own listener of cases by a call, which is to return at once, and not through its pipe."""
        self._own, self._hear = own, tell

    def forget(self) -> None:
        """That listener has gone."""
        self._own, self._hear = None, lambda _: None

    def wake(self, changes: Iterable[Change], *, commands: bool, due: Iterable[Due] = ()) -> None:
        """Tell them, and return."""
        changes, due = list(changes), list(due)
        but = {CASES: self._own.name} if self._own else {}
        said = lines(changes, due, look=commands)
        told = [(channel, self._bells.ring(channel, line, but=but.get(channel))) for channel, line in said]
        if changes:  # who only looked has nothing to tell, and whoever looks when told would look for ever
            self._hear(changes)
        unheard = {channel for channel, heard in told if not heard}
        if CASES in unheard:
            super().wake(changes, commands=False)
        if COMMANDS in unheard:
            super().wake((), commands=commands, due=due)

    def close(self) -> None:
        """Let go of the bells, too."""
        super().close()
        self._bells.close()
