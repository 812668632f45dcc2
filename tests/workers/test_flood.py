"""A flood of one author's posts, and others': theirs are done while the flood has hardly begun, one run at a time."""

import threading

from hitl.domain.commands import FAR
from tests.workers.crew import Crew
from tests.workers.test_window import COPY_OF_CASES

BACKLOG = 1000
CALM = 8
UNDER_WAY = """select count(*)::int as n from commands where state in ('published', 'claimed') and turn >= %s
    and published_at > now() - interval '1 second'"""
# Runs of the flood that were under way when a case's own command was handed out.
BESIDE = """select count(*)::int as n from commands flood, commands calm
    where calm.case_id = %s and flood.turn >= %s and flood.finished_at > calm.published_at
    and flood.published_at between calm.published_at - interval '1 second' and calm.published_at
    and flood.command_id <> calm.command_id"""


def test_others_meet_no_more_than_one_run_of_a_flood(embedded_crew: Crew) -> None:
    crew = embedded_crew
    first = crew.start()
    assert crew.run(COPY_OF_CASES, BACKLOG) == BACKLOG
    crew.run("update commands set turn = %s where case_id <> %s", FAR, first[0])
    crew.run("update cases set author_id = 'somebody else' where case_id <> %s", first[0])
    worker = crew.hired()
    crew.await_(lambda: crew.status(first[0])["status"] == "waiting_review", worker)
    crew.await_(lambda: crew.rows(UNDER_WAY, FAR)[0]["n"] <= 1, worker)  # alone, it had the whole window
    seen: list[int] = []
    stop = threading.Event()
    sampler = threading.Thread(target=_sample, args=(crew, seen, stop))
    sampler.start()
    try:
        calm = [_calm(crew, n) for n in range(CALM)]
    finally:
        stop.set()
        sampler.join()
    assert max(seen) <= 1
    assert {crew.rows(BESIDE, case, FAR)[0]["n"] for case in calm} <= {0, 1}
    crew.await_(lambda: crew.commands("done") > CALM + 20, worker)  # the flood goes on all the same
    worker.stop()


def _calm(crew: Crew, number: int) -> str:
    (case,) = crew.start(text=f"you silly goose {number}")
    crew.await_(lambda: crew.status(case)["status"] == "waiting_review")
    return case


def _sample(crew: Crew, seen: list[int], stop: threading.Event) -> None:
    while not stop.wait(0.01):
        seen.append(crew.rows(UNDER_WAY, FAR)[0]["n"])
