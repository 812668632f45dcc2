"""What a database's sessions wait for: looked at again and again, from a thread beside the load."""

import threading
from collections import Counter
from typing import Self

import psycopg

PERIOD = 0.05
SEEN = (
    "select coalesce(wait_event_type || ':' || wait_event, 'running') from pg_stat_activity"
    " where state = 'active' and backend_type = 'client backend' and pid <> pg_backend_pid()"
)


class Waits:
    """Counts, while it is entered, what each active session was seen doing; nothing without a database."""

    def __init__(self, database: str | None) -> None:
        self._database = database
        self._seen: Counter[str] = Counter()
        self._looks = 0
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        if self._database:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        if self._database:
            self._thread.join()

    def shares(self) -> dict[str, float]:
        """What active sessions did, as shares of all that was seen; the largest first."""
        total = self._seen.total()
        return {name: count / total for name, count in self._seen.most_common(6)} if total else {}

    def active(self) -> float:
        """How many sessions were active at a time, on average."""
        return self._seen.total() / self._looks if self._looks else 0.0

    def _look(self) -> None:
        assert self._database is not None
        with psycopg.connect(self._database, autocommit=True) as conn:
            while not self._enough.wait(PERIOD):
                self._seen.update(str(row[0]) for row in conn.execute(SEEN))
                self._looks += 1
