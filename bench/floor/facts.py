"""A case's facts, written by one statement for each commit that the promises ask for, and by nothing else."""

from typing import Any

import psycopg
from psycopg.types.json import Jsonb

Json = dict[str, Any]

TABLES = """
create table facts (case_id bigint, seq int, kind text, at timestamptz default now(), body jsonb,
    primary key (case_id, seq));
create table heads (case_id bigint primary key, stage text, epoch int default 0, lease_until timestamptz)
    with (fillfactor = 60);
"""
# What the desk records, for a start and for the others.
BEGUN = """with c as (insert into heads (case_id, stage) values (%(id)s, 'ready'))
    insert into facts (case_id, seq, kind, body) values (%(id)s, %(seq)s, %(kind)s, %(body)s)"""
ASKED = """with c as (update heads set stage = 'ready' where case_id = %(id)s)
    insert into facts (case_id, seq, kind, body) values (%(id)s, %(seq)s, %(kind)s, %(body)s)"""
# A claim under a lease; then what a run writes: its checkpoint, its events and what it leaves behind.
CLAIMED = """update heads set stage = 'claimed', epoch = epoch + 1, lease_until = now() + interval '30 seconds'
    where case_id = %(id)s and stage = 'ready' returning epoch"""
SETTLED = """with c as (update heads set stage = 'rest' where case_id = %(id)s and stage = 'claimed' returning 1)
    insert into facts (case_id, seq, kind, body) select %(id)s, %(seq)s, %(kind)s, %(body)s from c"""
# An action is on its way before it is called.
INTENT = """insert into facts (case_id, seq, kind, body) values (%(id)s, %(seq)s, %(kind)s, %(body)s)"""
REQUEST: Json = {"content": "x" * 200, "person": "someone", "reason": "It is rude."}
CHECKPOINT: Json = {"checkpoint": "x" * 1200, "events": ["x" * 200, "x" * 200], "review": "x" * 300}
ACTION: Json = {"target": "post:1", "before": {}, "key": "x" * 40}


def case(connection: psycopg.Connection[tuple[int, ...]], number: int) -> None:
    """A, B, C and D: fourteen commits."""
    for quarter, name in enumerate("ABCD"):
        written: list[tuple[str, str, Json]] = [
            (ASKED if quarter else BEGUN, f"asked {name}", REQUEST),
            (CLAIMED, "claimed", {}),
        ]
        written += [(INTENT, f"intent {name}", ACTION)] if name in "BC" else []
        written += [(SETTLED, f"settled {name}", CHECKPOINT)]
        for seq, (sql, kind, body) in enumerate(written, quarter * 10):
            connection.execute(sql, {"id": number, "seq": seq, "kind": kind, "body": Jsonb(body)})
