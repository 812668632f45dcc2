import asyncio

from bench import survival
from bench.journey import Case, Log


class Recovering:
    """A system that hangs up on the first who decide, having heard every second one of them."""

    poll = 0.0

    def __init__(self, hangs_up: int) -> None:
        self._left = hangs_up
        self.decided: set[str] = set()

    async def start(self, case: Case) -> None:
        pass

    async def decide(self, case: Case, *, remove: bool) -> None:
        await asyncio.sleep(0)
        if self._left > 0:
            self._left -= 1
            if self._left % 2:
                self.decided.add(case.number)
            raise ConnectionError("closed")
        if case.number in self.decided:
            raise RuntimeError("decided already")
        if case.number.startswith("lost"):
            raise RuntimeError("unknown")
        self.decided.add(case.number)

    async def rollback(self, case: Case) -> None:
        pass

    async def paused(self, case: Case) -> None:
        pass

    async def completed(self, case: Case) -> None:
        await asyncio.sleep(0)
        if case.number not in self.decided:
            raise RuntimeError("not decided")

    def close(self) -> None:
        pass


def test_who_was_hung_up_on_comes_back_whether_heard_or_not() -> None:
    client, log = Recovering(hangs_up=4), Log()

    well = asyncio.run(survival.resumed(client, [Case(str(number)) for number in range(8)], 4, log))

    assert (well, log.errors) == (8, [])


def test_a_case_that_is_gone_is_lost() -> None:
    client, log = Recovering(hangs_up=0), Log()

    well = asyncio.run(survival.resumed(client, [Case("1"), Case("lost-2"), Case("3")], 3, log))

    assert (well, log.errors) == (2, ["RuntimeError: unknown"])
