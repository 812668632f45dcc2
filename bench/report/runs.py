"""What each of several runs shows by itself, and whether they come to the same conclusions."""

from collections.abc import Sequence

from bench.report.results import Results
from bench.report.tables import table, title
from bench.report.targets import judged

ONE = "There was one run."
NOT_MEASURED = "not measured"
Verdicts = dict[tuple[str, str], tuple[str, str]]  # by target and mode: what was found, and the verdict


def compared(runs: Sequence[Results]) -> str:
    """The targets that more than one run has measured, each run by itself."""
    found = {_name(run): _verdicts(run) for run in runs}
    asked = [key for key in dict.fromkeys(key for one in found.values() for key in one) if _often(key, found) > 1]
    if not asked:
        return ONE
    shown = {name: one for name, one in found.items() if any(key in one for key in asked)}
    rows = [[key[0], title(key[1]), *(_cell(one.get(key)) for one in shown.values())] for key in asked]
    apart = [key for key in asked if len({_kind(one[key][1]) for one in shown.values() if key in one}) > 1]
    said = f"{len(asked) - len(apart)} of {len(asked)} verdicts are the same in each run."
    if apart:
        said += " Not so: " + "; ".join(f"{text} ({title(own)})" for text, own in apart) + "."
    return f"{said}\n\n" + table(["target", "mode", *shown], rows)


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


def _often(key: tuple[str, str], found: dict[str, Verdicts]) -> int:
    return sum(key in one for one in found.values())
