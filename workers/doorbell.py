"""What is in a message: the kind and the id of a command, and nothing else. Whatever else arrives is a dead letter."""

from typing import Any

from dramatiq import JSONEncoder, Message
from dramatiq.errors import DecodeError

QUEUE = "cases"
FIELDS = {"queue_name", "actor_name", "args", "kwargs", "options", "message_id", "message_timestamp"}


class DoorbellEncoder(JSONEncoder):
    """Refuses what a relay would not have sent.

    Dramatiq trusts messages: a foreign queue name ends a worker thread for good, odd options break the consumer.
    """

    def decode(self, data: bytes) -> dict[str, Any]:
        """The message's fields; DecodeError, which makes it a dead letter, when they are not ours."""
        fields: Any = super().decode(data)
        if not _ours(fields):
            raise DecodeError("this is no message of a relay", data, None)  # type: ignore[no-untyped-call]
        return dict(fields)


def message(kind: str, command_id: int) -> Message[None]:
    """The message that announces a command."""
    return Message(queue_name=QUEUE, actor_name=kind, args=(command_id,), kwargs={}, options={})


def _ours(fields: Any) -> bool:
    if not isinstance(fields, dict) or set(fields) != FIELDS:
        return False
    args = fields["args"]
    return (
        fields["queue_name"] == QUEUE
        and isinstance(fields["actor_name"], str)
        and isinstance(fields["message_id"], str)
        and isinstance(args, list)
        and [type(argument) for argument in args] == [int]
        and fields["kwargs"] == {}
        and fields["options"] == {}
    )
