"""The nemesis: breaks things by a schedule that a seed decides, so that it can be printed beforehand and replayed."""

import heapq
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from tests.chaos.doubles import Doubler
from tests.chaos.stage import DESKS, WORKERS, Stage

EVERY = {  # seconds between two blows of a kind, on the average
    "worker": 2.0,
    "relay": 5.0,
    "desk": 10.0,
    "network": 8.0,
    "stall": 45.0,
    "rabbitmq": 60.0,
    "postgres": 90.0,
    "doubles": 1.0,
}
ONLY_RABBITMQ = ("relay", "rabbitmq")
FIRST_SECONDS = 10.0  # by then each kind of fault has struck once
STALL_SECONDS = 34.0  # past the lease of 30
HURRIED_SECONDS = 1.5  # before, and again after the clock has been put forward for the leases
WIRES = {"delay": 1.0, "hold": 3.0, "swallow": 2.0, "half-open": 2.0, "cut": 0.0, "refuse": 2.0}


@dataclass(frozen=True, order=True)
class Blow:
    """One thing that is done to somebody, so many seconds after the beginning."""

    at: float
    fault: str
    target: str = ""
    how: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        lasting = f" for {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.at:7.1f} s  {self.fault:<9} {self.target} {self.how}{lasting}".rstrip()


def schedule(seed: int, broker: str, faults: Sequence[str]) -> Iterator[Blow]:
    """All blows in order, without end; the same for the same arguments."""
    known = [f for f in faults if f not in ONLY_RABBITMQ or broker == "rabbitmq"]
    return heapq.merge(*(_blows(seed, broker, fault) for fault in known))


def _blows(seed: int, broker: str, fault: str) -> Iterator[Blow]:
    dice = Random(f"{seed}:{fault}")
    at = min(EVERY[fault], FIRST_SECONDS) * dice.uniform(0.3, 1.0)
    while True:
        yield Blow(round(at, 2), fault, *_drawn(dice, fault, broker))
        at += EVERY[fault] * dice.uniform(0.6, 1.4)


def _drawn(dice: Random, fault: str, broker: str) -> tuple[str, str, float]:
    if fault == "worker":
        alone = broker == "rabbitmq" and dice.random() < 0.2
        return dice.choice(WORKERS), "only the master" if alone else "kill -9", 0.0
    if fault == "stall":
        return dice.choice(WORKERS), "SIGSTOP", STALL_SECONDS
    if fault == "network":
        wires = ["postgres", "witness", *(["rabbitmq"] if broker == "rabbitmq" else [])]
        how = dice.choice(sorted(WIRES))
        return dice.choice(wires), how, round(WIRES[how] * dice.uniform(0.5, 1.5), 1)
    if fault in ("postgres", "rabbitmq"):
        down = dice.uniform(0.0, 2.0) if fault == "postgres" else dice.uniform(3.0, 10.0)
        return fault, "immediate" if fault == "postgres" else "kill -9", round(down, 1)
    if fault == "doubles":
        return "messages", f"shuffled with {dice.randrange(10**6)}", 0.0
    return dice.choice(DESKS) if fault == "desk" else fault, "kill -9", 0.0


class Nemesis:
    """Carries a schedule out, each kind of fault in a thread of its own; `stop` ends it, and everything is healed."""

    def __init__(
        self, stage: Stage, blows: Iterator[Blow], tell: Callable[[str], None], *, hurry: bool = False
    ) -> None:
        self._stage, self._blows, self._tell, self._hurry = stage, blows, tell, hurry
        self._doubler = Doubler(stage)
        self._stopped = threading.Event()
        self._busy: set[str] = set()  # faults under way, and whoever is stalled
        self._threads: list[threading.Thread] = []
        self._main = threading.Thread(target=self._run, name="nemesis", daemon=True)
        self.began = 0.0
        self.ended = 0.0
        self.done: list[tuple[float, Blow]] = []  # when it struck (monotonic), and how
        self.broke: list[str] = []

    def start(self) -> None:
        """Begin now."""
        self.began = time.monotonic()
        self._main.start()

    def stop(self) -> None:
        """Strike no more; returns when everything that was stopped, cut or killed is on its feet again."""
        self._stopped.set()
        self._main.join()
        for thread in self._threads:
            thread.join()
        for proxy in self._stage.proxies.values():
            proxy.accept()
            proxy.heal()
        self._doubler.close()
        self.ended = time.monotonic()

    @property
    def counts(self) -> Counter[str]:
        """How often what was done."""
        counted = Counter(f"{_kind(b)}: {b.how}" for _, b in self.done if b.fault != "doubles")
        return counted + Counter({"messages: rung again, in any order": self._doubler.rung})

    def _run(self) -> None:
        for blow in self._blows:
            if self._stopped.wait(max(0.0, self.began + blow.at - time.monotonic())):
                return
            if blow.fault in self._busy:
                continue  # the one before is not over yet
            self._busy.add(blow.fault)
            thread = threading.Thread(target=self._strike, args=(blow,), name=str(blow), daemon=True)
            self._threads = [t for t in self._threads if t.is_alive()] + [thread]
            thread.start()

    def _strike(self, blow: Blow) -> None:
        at = time.monotonic()
        try:
            if getattr(self, f"_{blow.fault}")(blow) is not False:
                self.done.append((at, blow))
                if blow.fault != "doubles":
                    self._tell(str(blow))
        except Exception as trouble:  # noqa: BLE001 (a nemesis that fails must be heard of, and must not stop the others)
            self.broke.append(f"{blow}: {trouble!r}")
        finally:
            self._busy.discard(blow.fault)

    def _worker(self, blow: Blow) -> bool:
        if blow.target in self._busy or not self._stage.works(blow.target):
            return False  # whoever is stalled is to wake up again
        return self._stage.kill(blow.target, master_only=blow.how == "only the master")

    def _relay(self, blow: Blow) -> bool:
        return self._stage.kill("relay")

    def _desk(self, blow: Blow) -> bool:
        return self._stage.kill(blow.target)

    def _stall(self, blow: Blow) -> bool:
        self._busy.add(blow.target)  # nobody kills it meanwhile, so that it comes to work at all
        while not self._stage.works(blow.target):
            if self._stopped.wait(0.2):
                self._busy.discard(blow.target)
                return False
        group = self._stage.halt(blow.target, signal.SIGSTOP)
        try:
            if self._hurry:
                time.sleep(HURRIED_SECONDS)
                self._stage.leases_run_out(group)
            time.sleep(HURRIED_SECONDS if self._hurry else blow.seconds)
        finally:
            self._busy.discard(blow.target)
            if group is not None:
                with suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGCONT)
        return group is not None

    def _postgres(self, blow: Blow) -> None:
        self._stage.crash_postgres(blow.seconds)

    def _rabbitmq(self, blow: Blow) -> None:
        self._stage.crash_rabbitmq(blow.seconds)

    def _network(self, blow: Blow) -> None:
        proxy = self._stage.proxies[blow.target]
        wrong: dict[str, Callable[[], None]] = {
            "delay": lambda: proxy.delay(0.2),
            "hold": lambda: proxy.hold("up", "down"),
            "swallow": lambda: proxy.swallow("down"),
            "half-open": proxy.half_open,
            "cut": proxy.cut,
            "refuse": proxy.refuse,
        }
        wrong[blow.how]()
        self._stopped.wait(blow.seconds)
        proxy.accept()
        proxy.heal()

    def _doubles(self, blow: Blow) -> None:
        self._doubler.ring(Random(blow.how))


def _kind(blow: Blow) -> str:
    if blow.fault == "network":
        return f"line to {blow.target}"
    return {"stall": "worker", "relay": "relay", "desk": "desk"}.get(blow.fault, blow.fault)
