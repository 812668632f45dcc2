"""The comparison of two databases as text: what took longer in the full one, and which plans look at much."""

from bench.growth.measuring import Subject
from bench.growth.plans import Node, Statement

MUCH = 1000  # rows
NOTICEABLE_MS = 0.1
GREW = 2.0


def table(small: Subject, full: Subject) -> str:
    """By verb: medians, their ratio, and where its plans look at most rows."""
    lines = [
        "| verb | p50, small (ms) | p50, full (ms) | ratio | most rows looked at by one part of a plan |",
        "|---|---|---|---|---|",
    ]
    for verb in full.times:
        before, after = small.p50(verb), full.p50(verb)
        lines.append(f"| {verb} | {before:.2f} | {after:.2f} | {after / before:.2f} | {_worst(full, verb)} |")
    return "\n".join(lines)


def findings(small: Subject, full: Subject) -> str:
    """Statements that read a table whole, look at many rows, or took twice as long."""
    lines = []
    for (verb, sql), found in full.plans.seen.items():
        before = small.plans.seen.get((verb, sql), found)
        why = [f"reads {', '.join(sorted(found.whole))}"] if found.whole else []
        if found.worst.touched > MUCH:
            why.append(str(found.worst))
        if _grew(before, found):
            why.append(f"{before.p50:.2f} → {found.p50:.2f} ms")
        if why:
            lines.append(f"- {verb}: {'; '.join(why)}: `{sql[:120]}`")
    return "\n".join(lines) or "- none"


def _grew(before: Statement, after: Statement) -> bool:
    return after.p50 > max(NOTICEABLE_MS, GREW * before.p50)


def _worst(subject: Subject, verb: str) -> Node | str:
    nodes = [statement.worst for (of, _), statement in subject.plans.seen.items() if of == verb]
    return max(nodes, default="")
