"""The command line: `hitl --help`."""

import typer

from hitl.cli import database
from hitl.cli.group import Commands
from hitl.cli.up import up

app = typer.Typer(
    cls=Commands,
    name="hitl",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Guardian: machines propose, people decide, and what was done can be undone exactly.\n\n"
    "Start with `hitl up`; when something is wrong, `hitl doctor` says how to mend it.",
)
app.command()(up)
app.command()(database.migrate)
app.command()(database.db)
app.command("database-url")(database.url)
