"""`hitl doctor`: what is wrong, and how to mend it."""

import typer

from hitl.cli import checks, configuration, output
from hitl.errors import Invalid
from hitl.telemetry import logs

STYLES = {"ok": output.GOOD, "warn": output.CARE, "fail": output.BAD}


def doctor() -> None:
    """Check settings, tokens, database, migrations, graphs, workers, broker, analyzer and disk; say how to mend each.

    Exit code 1 when something fails; a warning alone leaves it 0.
    """
    logs.configure("none")
    try:
        findings = list(checks.everything(configuration.load()))
    except Invalid as error:
        findings = [checks.Finding("settings", "fail", error.detail, "Correct it in the environment or in .env.")]
    rows = [(f.what, f.grade, f.found, f.mend) for f in findings]
    output.table(("check", "is", "found", "how to mend it"), rows, styles=[STYLES[f.grade] for f in findings])
    if any(f.grade == "fail" for f in findings):
        raise typer.Exit(1)
