"""Urgent cases overtake a backlog, and the broker never holds more than the window."""

import threading
from pathlib import Path

from tests.workers.crew import Crew, crew

BACKLOG = 5000
WINDOW = 24
THREADS = 4

COPY_OF_CASES = """
with template as (select * from cases limit 1),
new as (
    insert into cases (case_id, content_id, author_id, started_by, graph, graph_version, policy, policy_version, status,
                       version)
    select gen_random_uuid(), gen_random_uuid()::text, 'author-' || n %% 50, started_by, graph, graph_version, policy,
           policy_version, 'received', 1
    from template, generate_series(1, %s) n returning case_id, started_by, graph, graph_version),
texts as (
    insert into contents (case_id, body, sha256) select case_id, 'you are a silly goose', sha256('goose') from new),
told as (
    insert into events (case_id, seq, type, actor_kind, actor_id, after)
    select case_id, 1, 'case_received', 'person', started_by, 'received' from new)
insert into commands (case_id, kind, graph, graph_version) select case_id, 'start', graph, graph_version from new
"""
# What was handed out before the urgent one although that was there, and what was still to be done when it was.
# Not how many end before it: a worker that gets no core for a second lets the other one do hundreds.
AROUND = """
with urgent as (select %s::timestamptz as posted, published_at as handed_out from commands where case_id = %s)
select count(*) filter (where published_at > posted and published_at < handed_out)::int as before,
    count(*) filter (where published_at < handed_out and coalesce(finished_at, now()) > handed_out)::int as ahead
from commands, urgent
"""
PUBLISHED = "select count(*)::int as n from commands where state = 'published'"


def sample(crew: Crew, seen: list[int], stop: threading.Event) -> None:
    while not stop.wait(0.01):
        seen.append(crew.rows(PUBLISHED)[0]["n"])


def test_an_urgent_case_overtakes_a_backlog_of_5000(database_url: str, tmp_path: Path, vhost_url: str) -> None:
    for broker_url, folder in ((None, tmp_path / "embedded"), (vhost_url, tmp_path / "rabbitmq")):
        folder.mkdir()
        with crew(database_url, folder, broker_url, HITL_WINDOW=str(WINDOW)) as found:
            overtakes(found)
            found.run("update commands set state = 'done', finished_at = now() where state in ('ready', 'published')")


def overtakes(crew: Crew) -> None:
    crew.start()
    assert crew.run(COPY_OF_CASES, BACKLOG) == BACKLOG
    seen: list[int] = []
    stop = threading.Event()
    sampler = threading.Thread(target=sample, args=(crew, seen, stop))
    sampler.start()
    try:
        workers = [crew.hired(), crew.hired()]
        crew.await_(lambda: crew.commands("done") > 100, *workers)
        (urgent,) = crew.start(priority=9)
        posted = crew.rows("select clock_timestamp() as now")[0]["now"]
        crew.await_(lambda: crew.status(urgent)["status"] == "waiting_review", *workers)
    finally:
        stop.set()
        sampler.join()
    found = crew.rows(AROUND, posted, urgent)[0]
    assert found["before"] <= WINDOW
    assert found["ahead"] <= WINDOW + 2 * THREADS
    assert max(seen) <= WINDOW
    for worker in workers:
        worker.stop()
