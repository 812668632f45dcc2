"""A store that knows which transactions were begun."""

from collections.abc import Iterator
from contextlib import contextmanager

from hitl.store.postgres import Store, Tx


class Watched(Store):
    """Knows the names of the transactions that were begun."""

    def __init__(self, url: str) -> None:
        super().__init__(url, size=12)
        self.names: list[str | None] = []

    @contextmanager
    def transaction(self, name: str | None = None) -> Iterator[Tx]:
        self.names.append(name)
        with super().transaction(name) as tx:
            yield tx

    def took_transactions(self) -> bool:
        """Whether a run was settled in a transaction since this was asked last."""
        names, self.names = self.names, []
        return "settle" in names
