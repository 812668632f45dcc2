"""The workers: `dramatiq workers` loads this, `hitl up` runs `python -m workers`. Dramatiq and pika only here."""

import os

os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")  # read when LangGraph is imported

from workers.actors import broker, resume, rollback, settle, start

__all__ = ["broker", "resume", "rollback", "settle", "start"]
