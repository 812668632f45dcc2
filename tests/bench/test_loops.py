import asyncio
from itertools import islice

from bench import loops
from bench.journey import Case, Log, Quarter
from bench.loops import Bench
from bench.meters import Meters, Reading


class Obliging:
    """A system that does everything at once, but fails for one case."""

    poll = 0.0

    def __init__(self, fails: str = "") -> None:
        self._fails = fails
        self.asked: list[str] = []

    async def start(self, case: Case) -> None:
        self.asked.append(f"start {case.number}")
        if case.number == self._fails:
            raise RuntimeError("case 01234567-89ab-cdef-0123-456789abcdef is unknown")

    async def decide(self, case: Case, *, remove: bool) -> None:
        self.asked.append(f"{'remove' if remove else 'keep'} {case.number}")

    async def rollback(self, case: Case) -> None:
        self.asked.append(f"rollback {case.number}")

    async def paused(self, case: Case) -> None:
        pass

    async def completed(self, case: Case) -> None:
        pass

    def close(self) -> None:
        pass


def test_a_case_goes_through_its_four_quarters() -> None:
    client, log = Obliging(), Log()

    asyncio.run(loops.in_turn(client, [Case("1")], 1, "ABCD", log))

    assert client.asked == ["start 1", "remove 1", "rollback 1", "keep 1"]
    assert [quarter.name for quarter in log.quarters] == ["A", "B", "C", "D"]


def test_a_case_that_fails_is_an_error_and_not_a_result() -> None:
    client, log = Obliging(fails="2"), Log()

    well = asyncio.run(loops.in_turn(client, [Case("1"), Case("2")], 2, "A", log))

    assert [case.number for case in well] == ["1"]
    assert log.errors == ["RuntimeError: case … is unknown"]


def test_every_case_is_a_new_one() -> None:
    bench = Bench(Obliging(), Meters(), "round-1")

    first, second = list(islice(bench.cases(), 2)), list(islice(bench.cases(), 2))

    assert len({case.number for case in first + second}) == 4
    assert len({case.content for case in first + second}) == 4


def test_latencies_are_those_of_their_quarters() -> None:
    seen = [Quarter(name, 0.0, 0.001, whole) for name, whole in (("A", 0.02), ("A", 0.04), ("B", 0.01), ("D", 0.03))]

    found = loops.latencies(seen)

    assert found["start_paused"] == {"n": 2, "p50": 30.0, "p99": 39.8}
    assert found["decision_completed"]["p50"] == 20.0
    assert found["ack"]["p50"] == 1.0
    assert found["rollback_paused"] == {"n": 0, "p50": None, "p99": None}


def test_what_neither_servers_nor_client_used_was_others() -> None:
    begin = Reading(100.0, {"desk": 1.0, "gone": 0.5}, 2.0, 10.0, 0.0, (1000, 5, 7))
    end = Reading(110.0, {"desk": 3.0, "gone": 0.5, "worker": 1.0}, 2.5, 15.5, 0.0, (4000, 8, 9))

    cost = Meters().between(begin, end)

    assert cost.server_cpu == 3.0
    assert cost.client == 0.5
    assert cost.others * cost.seconds > 0  # 2 of the machine's CPU seconds
    assert (cost.wal_bytes, cost.wal_flushes, cost.commits) == (3000, 3, 2)
