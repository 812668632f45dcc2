"""Migration 13: no index of actions looks at a status, and one at a time is on its way to a target all the same."""

import threading
import time
from collections.abc import Iterator
from importlib import resources

import psycopg
import pytest

from hitl.store import calls
from hitl.store.migrate import migrate
from hitl.store.postgres import Tx
from tests.graphs.house import House, edit
from tests.services.postgres import Databases

NEW = "0013_on_their_way.sql"
CASE = "00000000-0000-7000-8000-000000000001"
ACTIONS = [f"00000000-0000-7000-8000-00000000001{n}" for n in range(3)]
Connection = psycopg.Connection[tuple[object, ...]]
WAITS = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
# An old release's words: it knows nothing of `on_their_way`.
SEND = "update actions set status = 'sending', sent_at = now() where action_id = %s"
ENDED = "update actions set status = 'applied', applied_at = now() where action_id = %s"


@pytest.fixture
def filled(databases: Databases) -> Iterator[str]:
    """A database of the release before, with an action on its way."""
    with databases.fresh(migrated=False) as url:
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute("create table migrations (name text primary key, at timestamptz default now())")
            folder = resources.files("hitl.store") / "migrations"
            for file in sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name):
                if file.name < NEW:
                    conn.execute(file.read_text().encode())
                    conn.execute("insert into migrations (name) values (%s)", (file.name,))
            _fill(conn)
        yield url


@pytest.fixture
def upgraded(filled: str) -> str:
    """The same, brought up to date."""
    assert f"migration {NEW}" in migrate(filled)
    return filled


def _fill(conn: Connection) -> None:
    conn.execute(
        """insert into cases (case_id, content_id, author_id, started_by, graph, graph_version, policy,
            policy_version, status, version) values (%s, 'post-1', 'ann', 'ann', 'g', '1', 'p', '1', 'received', 1)""",
        (CASE,),
    )
    for n, action_id in enumerate(ACTIONS):
        conn.execute(
            """insert into actions (action_id, case_id, round, ordinal, direction, kind, target, aspect, params,
                reversible, status, key) values (%s, %s, 1, %s, 'forward', 'k', %s, 'a', '{}', true, %s, %s)""",
            (action_id, CASE, n, "post:2" if n == 2 else "post:1", "planned" if n else "sending", f"{action_id}:0"),
        )


def test_what_was_on_its_way_before_is_alone_on_its_way_after_whoever_says_so(upgraded: str) -> None:
    sending, other, elsewhere = ACTIONS
    with psycopg.connect(upgraded, autocommit=True) as conn:
        conn.execute(SEND, (elsewhere,))
        with pytest.raises(psycopg.errors.UniqueViolation, match="on_their_way"):
            conn.execute(SEND, (other,))
        conn.execute(ENDED, (sending,))
        conn.execute(SEND, (other,))
        assert conn.execute("select target from on_their_way order by 1").fetchall() == [("post:1",), ("post:2",)]


def test_what_ends_while_the_upgrade_waits_for_it_leaves_the_way_free(filled: str) -> None:
    sending, other, _ = ACTIONS
    upgrade = threading.Thread(target=migrate, args=(filled,))
    with psycopg.connect(filled, autocommit=True) as conn:
        with psycopg.connect(filled) as old:
            old.execute("select 1 from cases where case_id = %s for update", (CASE,))
            old.execute(ENDED, (sending,))
            upgrade.start()
            while not conn.execute(WAITS).fetchall():
                time.sleep(0.005)
        upgrade.join()
        assert conn.execute("select 1 from on_their_way").fetchall() == []
        conn.execute(SEND, (other,))


def test_of_those_who_set_out_for_a_target_at_once_one_does(upgraded: str) -> None:
    with psycopg.connect(upgraded, autocommit=True) as conn:
        conn.execute(ENDED, (ACTIONS[0],))
        conn.execute("update actions set status = 'planned', target = 'post:1'")
    gate, won = threading.Barrier(len(ACTIONS)), list[str]()

    def send(action_id: str) -> None:
        with psycopg.connect(upgraded, autocommit=True) as conn:
            gate.wait()
            try:
                conn.execute(SEND, (action_id,))
            except psycopg.errors.UniqueViolation:
                return
            won.append(action_id)

    threads = [threading.Thread(target=send, args=(action_id,)) for action_id in ACTIONS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_who_gives_up_setting_out_leaves_the_way_free(house: House) -> None:
    case_id = house.acted("edit", actions=edit("remove_content"))
    (action,) = house.rows("select action_id from actions where case_id = %s", (case_id,))
    house.sql("update actions set status = 'planned'")
    with house.store.transaction() as tx:
        calls.send(tx, action["action_id"])
        tx.conn.execute("rollback")
    assert house.rows("select 1 from on_their_way") == []


def test_whatever_happens_to_an_action_touches_no_index(house: House) -> None:
    case_id = house.acted("edit", actions=edit("remove_content"))
    (action,) = house.rows("select action_id from actions where case_id = %s", (case_id,))
    house.sql("update actions set status = 'planned'")
    with house.store.transaction() as tx:
        before = _moved(tx)
        calls.send(tx, action["action_id"])
        tx.execute(ENDED, (action["action_id"],))
        tx.execute("update actions set status = 'unknown', error = 'x' where action_id = %s", (action["action_id"],))
        after = _moved(tx)
    assert after["updated"] - before["updated"] == 3
    assert after["in_place"] - before["in_place"] == 3


def _moved(tx: Tx) -> dict[str, int]:
    # Of this connection: what transactions before this one did may be among it.
    found = tx.one("""select pg_stat_get_xact_tuples_updated('actions'::regclass) as updated,
        pg_stat_get_xact_tuples_hot_updated('actions'::regclass) as in_place""")
    assert found is not None
    return found
