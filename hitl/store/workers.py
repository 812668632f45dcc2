"""Rows of `workers` and `graph_versions`: who is alive, what they serve, and what a version looks like."""

from collections.abc import Sequence

from hitl.store.postgres import Jsonb, Tx

ALIVE = "seen_at > now() - interval '15 seconds'"


def beat(tx: Tx, worker_id: str, *, serves: Sequence[str], relay: bool) -> None:
    """Say that a worker is alive."""
    tx.execute("set local synchronous_commit = off")
    tx.execute(
        """insert into workers (worker_id, serves, relay) values (%s, %s, %s)
        on conflict (worker_id) do update set seen_at = now(), serves = excluded.serves, relay = excluded.relay""",
        (worker_id, Jsonb(list(serves)), relay),
    )


def leave(tx: Tx, worker_id: str) -> None:
    """A worker says goodbye."""
    tx.execute("delete from workers where worker_id = %s", (worker_id,))


def forget_all(tx: Tx) -> None:
    """Every worker of this database is known to be dead: its owner is starting anew."""
    tx.execute("delete from workers")


def bury(tx: Tx) -> None:
    """Forget workers that have been silent for long."""
    tx.execute("delete from workers where seen_at < now() - interval '10 minutes'")


def alive(tx: Tx) -> dict[str, int]:
    """How many workers and relays live."""
    row = tx.one(
        f"""select count(*) filter (where serves <> '[]') as workers, count(*) filter (where relay) as relays
        from workers where {ALIVE}"""
    )
    return {"workers": row["workers"], "relays": row["relays"]} if row else {"workers": 0, "relays": 0}


def served(tx: Tx) -> set[str]:
    """The graph versions, `name@version`, that a living worker serves."""
    rows = tx.all(f"select distinct jsonb_array_elements_text(serves) as v from workers where {ALIVE}")
    return {r["v"] for r in rows}


def at_hand(tx: Tx) -> tuple[list[str], int]:
    """The graph versions that living workers serve, in order, and how many relays live."""
    row = tx.one(
        f"""select array(select distinct jsonb_array_elements_text(serves) from workers where {ALIVE}) as serves,
            (select count(*) from workers where relay and {ALIVE}) as relays"""
    )
    return (sorted(row["serves"]), row["relays"]) if row else ([], 0)


def register(tx: Tx, name: str, version: str, fingerprint: str) -> str:
    """Store a graph version's fingerprint unless it has one; returns the one that counts."""
    tx.execute(
        "insert into graph_versions (name, version, fingerprint) values (%s, %s, %s) on conflict do nothing",
        (name, version, fingerprint),
    )
    row = tx.one("select fingerprint from graph_versions where name = %s and version = %s", (name, version))
    return str(row["fingerprint"]) if row else fingerprint


def newest_version(tx: Tx, name: str) -> str | None:
    """The newest registered version of a graph."""
    row = tx.one("select version from graph_versions where name = %s order by registered_at desc limit 1", (name,))
    return str(row["version"]) if row else None
