"""The settings, with one clear line for each that is wrong."""

from typing import Any

from pydantic import ValidationError

from hitl.errors import Invalid
from hitl.settings import Settings


def load(**overrides: Any) -> Settings:
    """Settings from the environment and .env; options given on the command line win where they are not None."""
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise Invalid("\n".join(_line(e["loc"], e["msg"], e["input"]) for e in error.errors())) from None


def _line(where: tuple[int | str, ...], message: str, value: object) -> str:
    name = str(where[0]) if where else "A setting"
    variable = name if name.isupper() else f"HITL_{name.upper()}"
    return f"{variable} is {value!r}: {message[0].lower()}{message[1:]}."
