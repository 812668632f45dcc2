"""`hitl token`: who may come in, kept as hashes in the file that HITL_TOKENS names."""

import secrets
from pathlib import Path
from typing import Annotated, get_args

import typer

from hitl.cli import configuration, output
from hitl.cli.token_file import Entry, changed, entries
from hitl.directory import digest
from hitl.domain.people import Role
from hitl.errors import Invalid, Missing

app = typer.Typer(no_args_is_help=True, help="Give people and backends tokens of their own, and take them back.")
ROLES = get_args(Role)
File = Annotated[
    Path | None, typer.Option("--file", help="The token file.  [HITL_TOKENS, or tokens.json in HITL_DATA_DIR]")
]
PREFIX = "hitl_"  # so that secret scanners and people know one when they see it
SHORT = 12


@app.command()
def create(
    person: Annotated[str, typer.Argument(help="Who: a name that will stand in decisions and events.")],
    role: Annotated[list[str], typer.Option("--role", help=f"One or more of {', '.join(ROLES)}.")],
    tenant: Annotated[str, typer.Option(help="Whose cases this person works on.")] = "default",
    file: File = None,
) -> None:
    """Make a token and print it, once; only its hash is kept.

    Roles cumulate: a supervisor is also a moderator and an author. A backend that posts for its users takes
    `--role service`. A running Guardian that uses the file knows the new token at once.
    """
    unknown = [name for name in role if name not in ROLES]
    if unknown or not person.strip() or not tenant.strip():
        raise Invalid(f"There is no role {unknown[0]!r}; choose from {', '.join(ROLES)}." if unknown else "Say who.")
    path, token = _path(file), PREFIX + secrets.token_urlsafe(32)
    with changed(path) as rows:
        rows.append({"sha256": digest(token), "person": person, "roles": list(dict.fromkeys(role)), "tenant": tenant})
    output.say(token)
    output.err.print(f"The token of {person}; it is shown only now. Its hash is in {path}.", markup=False)
    if configuration.load().tokens is None:
        output.err.print(f"Set HITL_TOKENS={path} for Guardian to use it.", markup=False)


@app.command("list")
def list_(file: File = None) -> None:
    """List who has tokens, never the tokens themselves."""
    rows = entries(_path(file))
    if not rows:
        output.say("Nobody has a token yet; make one with `hitl token create`.")
        return
    shown = [(row["sha256"][:SHORT], row["person"], ", ".join(row["roles"]), row["tenant"]) for row in rows]
    output.table(("token", "person", "roles", "tenant"), shown)


@app.command()
def revoke(
    who: Annotated[str, typer.Argument(help="A person (all their tokens), or the first characters of one token.")],
    tenant: Annotated[str, typer.Option(help="The person's tenant.")] = "default",
    file: File = None,
) -> None:
    """Take tokens back; they stop working at once."""
    path = _path(file)
    with changed(path) as rows:
        gone = [row for row in rows if _meant(row, who, tenant)]
        if not gone:
            raise Missing(f"Nobody called {who!r} has a token in {path}, and no token there begins like that.")
        rows[:] = [row for row in rows if row not in gone]
    for row in gone:
        output.say(f"Took back {row['sha256'][:SHORT]} of {row['person']}.")


def _meant(row: Entry, who: str, tenant: str) -> bool:
    named = row["person"] == who and row["tenant"] == tenant
    return named or (len(who) >= 6 and row["sha256"].startswith(who.lower()))


def _path(given: Path | None) -> Path:
    settings = configuration.load()
    return (given or settings.tokens or settings.data_dir / "tokens.json").absolute()
