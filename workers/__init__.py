"""The workers: `dramatiq workers` loads this, `hitl up` runs `python -m workers`. Dramatiq and pika only here."""

from workers.actors import broker, resume, rollback, settle, start

__all__ = ["broker", "resume", "rollback", "settle", "start"]
