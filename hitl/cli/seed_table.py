"""What became of seeded rows, counted."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hitl.cli import output, portrait
from hitl.cli.seed_posts import Outcome

SHOWN = 20
REASON = 160


def fate(outcome: Outcome) -> str:
    """One word or two for how a row ended."""
    if outcome.case is None:
        return "refused"
    status, ended = outcome.case["status"], outcome.case["outcome"]
    return f"{status} ({ended})" if ended else str(status)


def show(outcomes: Sequence[Outcome], seconds: float, *, labels: bool) -> None:
    """The counts by fate and by worst policy, then by label, what was refused and why, and the rate."""
    total = len(outcomes)
    _counted("fate", Counter(map(fate, outcomes)), total)
    waiting = [o.case for o in outcomes if o.case and o.case["status"] == "waiting_review"]
    if waiting:
        _counted("worst policy of those that wait", Counter(map(_worst, waiting)), len(waiting))
    if labels:
        _by_label(outcomes)
    _listed("Refused", [o for o in outcomes if o.case is None], lambda o: str(o.refused))
    _listed("Failed", [o for o in outcomes if o.case and o.case["status"] == "failed"], _error)
    output.say(f"{total} rows in {seconds:.1f} s: {total / seconds:.1f} per second.")


def as_json(outcomes: Sequence[Outcome], seconds: float) -> None:
    """The same for programs."""
    labels: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        if outcome.row.label is not None:
            labels.setdefault(outcome.row.label, Counter())[fate(outcome)] += 1
    refused = [{"line": o.row.line, "reason": o.refused} for o in outcomes if o.case is None]
    waiting = [o.case for o in outcomes if o.case and o.case["status"] == "waiting_review"]
    output.as_json({
        "rows": len(outcomes),
        "seconds": round(seconds, 3),
        "fates": Counter(map(fate, outcomes)),
        "policies": Counter(map(_worst, waiting)),
        "labels": labels,
        "refused": refused,
    })  # fmt: skip


def _counted(heading: str, counts: Counter[str], total: int) -> None:
    rows = [(name, count, f"{count / total:.1%}") for name, count in counts.most_common()]
    output.table((heading, "rows", "share"), rows, styles=[_color(name) for name, _ in counts.most_common()])
    output.say("")


def _by_label(outcomes: Sequence[Outcome]) -> None:
    fates = sorted({fate(o) for o in outcomes})
    counts = Counter((o.row.label or "(none)", fate(o)) for o in outcomes)
    names = sorted({label for label, _ in counts})
    rows = [(name, *(counts[name, f] for f in fates), sum(counts[name, f] for f in fates)) for name in names]
    output.table(("label", *fates, "rows"), rows)
    output.say("")


def _listed(heading: str, found: Sequence[Outcome], why: Callable[[Outcome], str]) -> None:
    if not found:
        return
    rows = [(o.row.line, why(o)[:REASON]) for o in found[:SHOWN]]
    output.table(("line", f"{heading}, because"), rows)
    if len(found) > SHOWN:
        output.say(f"… and {len(found) - SHOWN} more.")
    output.say("")


def _worst(case: Mapping[str, Any]) -> str:
    found = portrait.verdict(case).split(", ")[0]
    return "none named" if found in ("", "clean") else found.rsplit(" ", 1)[0]


def _error(outcome: Outcome) -> str:
    found = (outcome.case or {}).get("error") or {}
    return ": ".join(str(value) for value in found.values()) or "unknown"


def _color(name: str) -> str:
    return portrait.COLORS.get(name.partition(" (")[0], "red" if name == "refused" else "")
