"""What each of several runs shows by itself, and whether they come to the same conclusions."""

from collections.abc import Sequence

from bench.report.results import Results
from bench.report.tables import table, title
from bench.report.targets import NOT_MEASURED, judged

ONE = "There was one run."
Key = tuple[str, str]  # target and mode
Verdicts = dict[Key, tuple[str, str]]  # what was found, and the verdict


def compared(runs: Sequence[Results], quickest: dict[tuple[str, str], float]) -> str:
    """The targets that more than one run has measured, each run by itself; the clients' `quickest` work is of all."""
    found = {_name(run): _verdicts(run) for run in runs}
    asked = _asked(found)
    if not asked:
        return ONE
    shown = {name: one for name, one in found.items() if any(key in one for key in asked)}
    rows = [[key[0], title(key[1]), *(_cell(one.get(key)) for one in shown.values())] for key in asked]
    said = [_agreement(found, asked)]
    paced = {_name(run): _verdicts(run.paced(quickest)) for run in runs}
    said.append(f"At one pace: {_agreement(paced, asked)}")
    return "\n\n".join([*said, table(["target", "mode", *shown], rows)])


def _asked(found: dict[str, Verdicts]) -> list[Key]:
    """What more than one run has measured."""
    keys = dict.fromkeys(key for one in found.values() for key in one)
    return [key for key in keys if sum(key in one for one in found.values()) > 1]


def _agreement(found: dict[str, Verdicts], asked: list[Key]) -> str:
    """How far the runs come to the same conclusions."""
    apart = [key for key in asked if len({_kind(one[key][1]) for one in found.values() if key in one}) > 1]
    said = f"{len(asked) - len(apart)} of {len(asked)} verdicts are the same in each run."
    return said + (" Not so: " + "; ".join(f"{text} ({title(own)})" for text, own in apart) + "." if apart else "")


def _kind(verdict: str) -> str:
    """A verdict without its figures: an excuse is the same one with others."""
    return verdict.partition(":")[0]


def _cell(found: tuple[str, str] | None) -> str:
    return ", ".join(found) if found else "–"


def _name(run: Results) -> str:
    about = run.runs[0]["about"]
    return f"{about['at']}, {about['commit']}"


def _verdicts(run: Results) -> Verdicts:
    return {
        (target.text, own): (found, verdict) for target, own, found, verdict in judged(run) if verdict != NOT_MEASURED
    }
