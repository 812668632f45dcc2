"""Ids as they come in: what cannot be one is as unknown as one that nobody has."""

import re
from typing import Annotated

from fastapi import Path

from api.body import storable
from api.errors import BadField
from hitl.errors import Missing

UUID_PATTERN = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
UUID = re.compile(UUID_PATTERN.removesuffix("$") + r"\Z")
STREAM_CURSOR = r"^([0-9]{1,20})(?:\.([0-9a-f-]{36})?\.([0-9]{1,19}))?$"
CURSOR = re.compile(STREAM_CURSOR)
CaseId = Annotated[
    str, Path(description="The case's id, from /start.", examples=["019aa51c-7d7e-7c9a-9d6f-0d6a3f2b9c11"])
]
ActionId = Annotated[
    str, Path(description="The action's id, from /status.", examples=["019aa51d-1b0d-7a11-9f7e-8a0c2d3e4f04"])
]


def case(text: str) -> str:
    """A case's id in its one form; Missing when it cannot be one."""
    return _uuid(text, "case_id", "There is no such case, or it is not yours to see.")


def review(text: str) -> str:
    """A review's id."""
    return _uuid(text, "review_id", "This case has no such review.")


def action(text: str) -> str:
    """An action's id."""
    return _uuid(text, "action_id", "There is no such action.")


def _uuid(text: str, field: str, unknown: str) -> str:
    if not storable(text):
        raise BadField(field, "holds \\u0000 or half of a surrogate pair, which no id does")
    if not UUID.match(text):
        raise Missing(unknown)
    return text.lower()
