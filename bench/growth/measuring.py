"""Whole cases and looks, timed first and then explained."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from statistics import median

from bench.growth import looks
from bench.growth.core import Core
from bench.growth.looks import Look
from bench.growth.plans import Plans

GENERIC = 12  # psycopg prepares the sixth time, and five plans later Postgres may settle for one for all values


class Subject:
    """One database under measurement."""

    def __init__(self, url: str) -> None:
        self.core = Core(url)
        self.plans = Plans(self.core)
        self.times: dict[str, list[float]] = defaultdict(list)
        self.core.whole()
        self._places = looks.places(self.core)

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Time what is done meanwhile."""
        began = time.perf_counter()
        yield
        self.times[name].append((time.perf_counter() - began) * 1000)

    def p50(self, verb: str) -> float:
        """The median of a verb's times in milliseconds."""
        return median(self.times[verb])

    def timed(self, cases: int) -> None:
        """Whole cases, and each look as often as there are cases."""
        for _ in range(cases):
            self.core.whole(span=self.span)
        for name, look in looks.hot(self._places).items():
            for _ in range(cases):
                self._once(name, look)

    def timed_seldom(self, times: int) -> None:
        """What reads much by design."""
        for name, look in looks.seldom(self._places).items():
            for _ in range(times):
                self._once(name, look)

    def explained(self, times: int = GENERIC) -> None:
        """The same with every plan told."""
        for _ in range(times):
            self.core.whole(span=self.plans.of)
        self._explain(looks.hot(self._places), times)

    def explained_seldom(self, times: int = 1) -> None:
        """The plans of what reads much by design."""
        self._explain(looks.seldom(self._places), times)

    def _explain(self, found: Mapping[str, Look], times: int) -> None:
        for name, look in found.items():
            for _ in range(times):
                with self.plans.of(name), self.core.store.transaction() as tx:
                    look(tx)

    def _once(self, name: str, look: Look) -> None:
        with self.span(name), self.core.store.transaction() as tx:
            look(tx)

    def close(self) -> None:
        """Let go of the database."""
        self.core.close()
