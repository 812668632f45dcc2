"""The root command: what Guardian refuses becomes one clear line and an exit code, never a traceback."""

from typing import Any

import psycopg
import typer
from typer.core import TyperGroup

from hitl.cli.output import complain
from hitl.errors import GuardianError, Invalid


class Commands(TyperGroup):
    """Exit code 2 for what was typed or set wrongly, 1 for everything else that cannot be done."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; explain what stands in its way."""
        try:
            return super().invoke(ctx)
        except GuardianError as error:
            complain(error.detail)
            raise typer.Exit(2 if isinstance(error, Invalid) else 1) from None
        except psycopg.OperationalError as error:
            complain(f"The database cannot be reached: {str(error).strip().splitlines()[0]}")
            raise typer.Exit(1) from None
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
            complain("The database is not the one that this version expects; bring it up to date with `hitl migrate`.")
            raise typer.Exit(1) from None
