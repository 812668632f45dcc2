"""`hitl retry`: try failed cases again."""

from typing import Annotated

import typer

from hitl.cli import output
from hitl.cli.case import Tenant, identified, pages
from hitl.cli.session import NAME, opened, operator
from hitl.errors import Conflict, Invalid
from hitl.operations import show
from hitl.operations.retry import retry as operation
from hitl.store.postgres import Store


def retry(
    case_id: Annotated[str | None, typer.Argument(metavar="[CASE_ID]", help="Which case.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every failed case.")] = False,
    tenant: Tenant = "default",
) -> None:
    """Try a failed case again, or with --all every one; what was done already is not done twice.

    `hitl case list --status failed` shows them, `hitl case show CASE_ID` why they failed. A case with an action of
    unknown outcome must be settled by a supervisor first.
    """
    if (case_id is None) is not every:
        raise Invalid("Name one CASE_ID, or say --all.")
    chosen = [identified(case_id)] if case_id else [str(case["case_id"]) for case in pages(tenant, "failed", None)]
    with opened() as store:
        refused = sum(not _one(store, chosen_id, tenant, alone=not every) for chosen_id in chosen)
    if every:
        output.say(f"{len(chosen) - refused} of {len(chosen)} failed cases are tried again.")
    if refused:
        raise typer.Exit(1)


def _one(store: Store, case_id: str, tenant: str, *, alone: bool) -> bool:
    try:
        with store.transaction() as tx:
            show.mark(tx, operator(tenant), case_id)
            done = operation(tx, case_id, NAME)
    except Conflict as no:
        if alone:
            raise
        output.complain(f"{case_id}: {no.detail}")
        return False
    output.say(f"{case_id} is {done['status']} again.")
    return True
