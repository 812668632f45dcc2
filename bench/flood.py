"""Two authors: one posts now and then, the other as fast as it is answered."""

import asyncio
import itertools
import random
import time
from collections.abc import Iterator
from typing import Any

from bench import loops
from bench.journey import Case, Log, play
from bench.sizes import WARM, Sizes

DRAIN = 20.0  # seconds that a post of the quiet author may still take when the flood is over
RETRY_AFTER = 1.0  # seconds that the author who floods waits when it is refused, as a client should
RAMP = 2.0  # seconds of flood before the quiet author's posts count
Json = dict[str, Any]


async def flooded(bench: loops.Bench, sizes: Sizes, seed: int) -> Json:
    """Start → paused of the quiet author, alone and beside the flood; one that never is counts all the same."""
    await loops.warm(bench, 4, WARM)
    calm, rough = Log(), Log()
    alone, _ = await _quiet(bench, sizes, seed, calm, "alone")
    begin = bench.meters.read()
    sent, refused = itertools.count(), itertools.count()
    flood = [asyncio.create_task(_flood(bench, n, sent, refused)) for n in range(sizes.flooders)]
    await asyncio.sleep(RAMP)
    stop = asyncio.get_running_loop().call_later(sizes.flood, lambda: [task.cancel() for task in flood])
    beside, late = await _quiet(bench, sizes, seed, rough, "beside")
    stop.cancel()
    await loops.cancelled(flood)
    posts, cost = next(sent), bench.meters.between(begin, bench.meters.read())
    return {
        "alone": loops.percentiles(alone),
        "beside": loops.percentiles(beside),
        "alone_ack": loops.percentiles([quarter.ack for quarter in calm.quarters]),
        "beside_ack": loops.percentiles([quarter.ack for quarter in rough.quarters]),
        "late": late,
        "flood_posts": posts,
        "flood_refused": next(refused),
        "flood_per_second": posts / (RAMP + sizes.flood),
        "errors": len(calm.errors + rough.errors),
        "first_errors": sorted(set(calm.errors + rough.errors))[:3],
        "others": cost.others,
        "stolen": cost.stolen,
    }


async def _quiet(bench: loops.Bench, sizes: Sizes, seed: int, seen: Log, name: str) -> tuple[list[float], int]:
    """Posts of one author at a gentle rate; seconds until each was paused, and how many never were."""
    dice, tasks = random.Random(seed), []
    began = arrival = time.perf_counter()
    for case in _posts(f"{bench.name}-{name}", "quiet-author"):
        arrival += dice.expovariate(sizes.rate)
        if arrival > began + sizes.flood:
            break
        await asyncio.sleep(arrival - time.perf_counter())
        tasks.append((arrival, asyncio.create_task(play(bench.client, case, seen, "A"))))
    if tasks:
        await asyncio.wait([task for _, task in tasks], timeout=DRAIN)
    over = time.perf_counter()
    waited = [over - at for at, task in tasks if not task.done()]
    await loops.cancelled([task for _, task in tasks])
    return [quarter.whole for quarter in seen.quarters] + waited, len(waited)


async def _flood(bench: loops.Bench, number: int, sent: Iterator[int], refused: Iterator[int]) -> None:
    for case in _posts(f"{bench.name}-flood-{number}", "flooding-author"):
        try:
            await bench.client.start(case)
            next(sent)
        except (RuntimeError, ConnectionError):  # refused: what a system may do with a flood, and says for how long
            next(refused)
            await asyncio.sleep(RETRY_AFTER)


def _posts(name: str, author: str) -> Iterator[Case]:
    return (Case(f"{name}-{number}", by=author) for number in itertools.count(1))
