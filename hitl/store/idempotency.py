"""Rows of `idempotency_keys`: the first answer to a key, written in the transaction that earned it."""

from typing import Any

from hitl.domain.deadlines import IDEMPOTENCY_HOURS
from hitl.store.postgres import DictRow, Jsonb, Tx


def find(tx: Tx, tenant_id: str, person: str, key: str) -> DictRow | None:
    """The answer stored for a key; two requests with the same key at once meet at this lock."""
    tx.execute("select pg_advisory_xact_lock(hashtextextended(%s, 11))", (f"{tenant_id}/{person}/{key}",))
    return tx.one(
        """select request_sha256, status_code, headers, body from idempotency_keys
        where tenant_id = %s and person = %s and key = %s and created_at > now() - make_interval(hours => %s)""",
        (tenant_id, person, key, IDEMPOTENCY_HOURS),
    )


def keep(tx: Tx, *, tenant_id: str, person: str, key: str, digest: bytes, answer: dict[str, Any]) -> None:
    """Store an answer `{status_code, headers, body}` with the digest of its request."""
    tx.execute(
        """insert into idempotency_keys (tenant_id, person, key, request_sha256, status_code, headers, body)
        values (%s, %s, %s, %s, %s, %s, %s)
        on conflict (tenant_id, person, key) do update set request_sha256 = excluded.request_sha256,
            status_code = excluded.status_code, headers = excluded.headers, body = excluded.body, created_at = now()""",
        (tenant_id, person, key, digest, answer["status_code"], Jsonb(answer["headers"]), Jsonb(answer["body"])),
    )


def prune(tx: Tx, limit: int) -> int:
    """Forget answers whose time is over, oldest first; how many."""
    return tx.execute(
        """delete from idempotency_keys where (tenant_id, person, key) in (
            select tenant_id, person, key from idempotency_keys
            where created_at < now() - make_interval(hours => %s)
            order by created_at limit %s for update skip locked)""",
        (IDEMPOTENCY_HOURS, limit),
    ).rowcount
