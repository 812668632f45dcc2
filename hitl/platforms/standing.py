"""What a target's state says about it in plain words: is the post visible, is the author suspended?"""

from datetime import datetime
from typing import Any


def post(state: dict[str, Any]) -> dict[str, Any]:
    """`{visible, labels}` of a post's state."""
    labels = sorted(aspect.partition(":")[2] for aspect in state if aspect.startswith("label_content:"))
    return {"visible": "remove_content" not in state, "labels": labels}


def author(state: dict[str, Any], now: datetime) -> dict[str, Any]:
    """`{suspended, suspended_until, strikes, warnings}` of an author's state; `now` is the database's time."""
    held = state.get("suspend_author")
    until = held.get("until") if isinstance(held, dict) else None
    return {
        "suspended": held is not None and not _past(until, now),
        "suspended_until": until if isinstance(until, str) else None,
        "strikes": sum(aspect.startswith("strike_author:") for aspect in state),
        "warnings": sum(aspect.startswith("warn_author:") for aspect in state),
    }


def _past(until: Any, now: datetime) -> bool:
    try:
        return datetime.fromisoformat(until) <= now
    except (TypeError, ValueError):
        return False  # a suspension without a readable end has none
