"""The command line: `hitl --help`."""

import typer

from hitl.cli import case, database, tokens
from hitl.cli.doctor import doctor
from hitl.cli.group import Commands
from hitl.cli.relay import relay
from hitl.cli.retry import retry
from hitl.cli.seed import seed
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
app.command()(doctor)
app.command()(seed)
app.add_typer(case.app, name="case")
app.command()(retry)
app.add_typer(tokens.app, name="token")
app.command()(database.migrate)
app.command()(database.db)
app.command("database-url")(database.url)
app.command()(relay)
