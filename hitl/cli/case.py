"""`hitl case`: look at cases from the command line, straight from the database."""

from typing import Annotated, Any, get_args
from uuid import UUID

import typer

from hitl.cli import output, portrait
from hitl.cli.session import opened, operator
from hitl.domain.cases import Status
from hitl.errors import Invalid, Missing
from hitl.operations import show as operation

app = typer.Typer(no_args_is_help=True, help="Look at cases: what waits, what was decided, what happened and why.")
Tenant = Annotated[str, typer.Option(help="Whose cases.")]
Json = Annotated[bool, typer.Option("--json", help="JSON, for programs.")]
Id = Annotated[str, typer.Argument(metavar="CASE_ID", help="As `hitl case list` shows it.")]
PAGE = 200
COLUMNS = ("case", "status", "outcome", "round", "content", "author", "verdict", "updated")
EVENT = ("seq", "at", "event", "actor", "status", "data")


@app.command("list")
def list_(
    status: Annotated[str | None, typer.Option(help=f"Only cases that are {', '.join(get_args(Status))}.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """List cases, newest first. For example, what waits for people: `hitl case list --status waiting_review`."""
    if status and status not in get_args(Status):
        raise Invalid(f"There is no status {status!r}; a case is {', '.join(get_args(Status))}.")
    found = pages(tenant, status, limit)
    if json:
        output.as_json(found)
    elif found:
        styles = [portrait.color(case) for case in found]
        output.table(COLUMNS, [portrait.row(case) for case in found], styles=styles)
    else:
        output.say("There are no such cases." if status else "There are no cases yet; `hitl seed` brings some.")


@app.command()
def show(
    case_id: Id,
    content: Annotated[
        bool, typer.Option("--content", help="The text and its context too; it may be hurtful.")
    ] = False,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Show one case: verdict, reviews, decision, actions and reversals."""
    look = operation.whole if content else operation.status
    with opened() as store, store.transaction() as tx:
        found = look(tx, operator(tenant), identified(case_id))
    if json:
        output.as_json(found)
    else:
        portrait.draw(found)


@app.command()
def events(
    case_id: Id,
    after: Annotated[int, typer.Option(min=0, help="Only events behind this seq.")] = 0,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Show what happened to a case, oldest first, and who did it."""
    found = _history(identified(case_id), tenant, after)
    if json:
        output.as_json(found)
    else:
        output.table(EVENT, [portrait.event(e) for e in found])


def pages(tenant: str, status: str | None, limit: int | None) -> list[dict[str, Any]]:
    """Cases, newest first, across pages."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    with opened() as store:
        while limit is None or len(found) < limit:
            size = PAGE if limit is None else min(PAGE, limit - len(found))
            with store.transaction() as tx:
                page = operation.page(tx, operator(tenant), status=status, limit=size, cursor=cursor)
            found += page["cases"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
    return found


def identified(case_id: str) -> str:
    """A case id as typed; Missing when it cannot be one."""
    try:
        return str(UUID(case_id.strip()))
    except ValueError:
        raise Missing(f"There is no case {case_id!r}; ids look like those of `hitl case list`.") from None


def _history(case_id: str, tenant: str, after: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    with opened() as store, store.transaction() as tx:
        while True:
            page = operation.history(tx, operator(tenant), case_id, after=after, limit=PAGE)
            found += page["events"]
            if page["next_cursor"] is None:
                return found
            after = int(page["next_cursor"])
