"""What a case says of itself."""

from dataclasses import fields, replace
from typing import Any

import pytest

from hitl.domain.cases import Case


def _case(**known: Any) -> Case:
    return replace(Case(**dict.fromkeys((f.name for f in fields(Case)), None)), **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "version", "new"),
    [
        ("received", 1, True),
        ("analyzing", 2, True),
        ("received", 4, False),  # tried again after it had failed
        ("analyzing", 3, False),
        ("waiting_review", 2, False),
        ("rolling_back", 1, False),
    ],
)
def test_a_case_is_new_while_nothing_has_happened_to_it(status: Any, version: int, new: bool) -> None:
    assert _case(status=status, version=version).new is new
