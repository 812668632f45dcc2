"""Ids that sort by time. Time itself is the database's: no deadline is ever judged by this machine's clock."""

import uuid_utils.compat


def new_id() -> str:
    """A fresh UUIDv7 (RFC 9562) as text; only its order, never its truth, rests on this machine's clock."""
    return str(uuid_utils.compat.uuid7())
