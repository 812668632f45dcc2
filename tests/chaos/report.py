"""What was killed how often, what was promised, what was found: the table at the end of a run."""

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

from tests.chaos.checkers import CHECKERS
from tests.chaos.history import History

if TYPE_CHECKING:
    from tests.chaos.run import Outcome

SHOWN = 20
PROMISES = {
    "set": "what was answered 202 is there",
    "unique": "no effect twice where the platform lets that be known",
    "linear": "one decision per review, that of whom was told so",
    "queue": "nothing is left over, every case is at rest for a reason it names",
    "ledger = witness": "what we say was done is what was done",
    "world": "what was undone is undone, what stands is held by a decision",
    "decision first": "no effect without a decision before it that says exactly this",
    "events": "histories have no gap and no double",
}


def report(outcome: "Outcome") -> str:
    """The table, as text."""
    lines = ["", "what was done to it", *_rows(outcome.blows.most_common())]
    lines += ["", "how long it took to recover (median, longest)"]
    for fault, seconds in sorted(outcome.recoveries.items()):
        lines.append(f"  {fault:<44} {median(seconds):6.1f} s {max(seconds):6.1f} s   of {len(seconds)}")
    if outcome.refusals:
        lines.append(
            f"  {'until a 503, as Postgres was away or mute':<44} {median(outcome.refusals):6.1f} s",
        )
        lines[-1] += f" {max(outcome.refusals):6.1f} s   of {len(outcome.refusals)}"
    lines += ["", "what went through it", *_rows(sorted(outcome.counts.items())), *_rows(_witnessed(outcome.history))]
    lines += ["", "what was promised, and found"]
    found = Counter(line.partition(": ")[0] for line in outcome.found)
    lines += [f"  {PROMISES[name]:<68} {found[name]} violations" for name in CHECKERS]
    others = len(outcome.found) - sum(found[name] for name in CHECKERS)
    lines += [f"  {'clients were not surprised, and everything settled':<68} {others} violations"]
    lines += [f"  ! {line[:300]}" for line in outcome.found[:SHOWN]]
    settled = "never" if outcome.settle_seconds is None else f"{outcome.settle_seconds:.1f} s after the last fault"
    lines += ["", f"{outcome.load_seconds:.0f} s of faults; settled {settled}; seed {outcome.plan.seed}"]
    lines += [f"{len(outcome.found)} violations", ""]
    return "\n".join(lines)


def _rows(counted: "list[tuple[str, int]]") -> list[str]:
    return [f"  {name:<44} {count:>6}" for name, count in counted]


def _witnessed(history: History) -> list[tuple[str, int]]:
    done = Counter(line["direction"] for line in history.applied)
    faults = Counter(line["fault"] for line in history.applied if line["fault"])
    named = {"forward": "effects that the witness saw", "reverse": "reversals that the witness saw"}
    again = sum(command["attempts"] > 1 for command in history.tables["commands"])
    return [
        *((named[direction], count) for direction, count in done.items()),
        *((f"answers of the witness: {fault}", count) for fault, count in sorted(faults.items())),
        ("commands that needed more than one attempt", again),
    ]
