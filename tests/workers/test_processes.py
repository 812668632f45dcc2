"""Worker processes that are stopped, killed, stalled and orphaned: nothing is lost, nothing is done twice."""

import os
import signal

import pytest

from hitl.store import commands
from tests.journeys.guardian import Program
from tests.workers.crew import PATIENCE, Crew, assert_once, gone, worker_id, working

# what a case's run may write; the forum is not asked, since a repeated call under the same key is allowed
WRITTEN = {
    "cases": "case_id",
    "commands": "command_id",
    "actions": "action_id",
    "events": "case_id, seq",
    "checkpoints": "thread_id, checkpoint_id",
    "checkpoint_heads": "thread_id",
    "checkpoint_writes": "thread_id, checkpoint_id, task_id, idx",
    "forum_aspects": "target, aspect",
}


def dump(crew: Crew) -> dict[str, list[dict[str, object]]]:
    return {table: crew.rows(f"select * from {table} order by {order}") for table, order in WRITTEN.items()}  # noqa: S608


def test_cases_survive_a_worker_that_is_stopped_and_one_that_is_killed(either_crew: Crew) -> None:
    crew = either_crew
    crew.start(60)
    first = crew.hired(HITL_ANALYZER="stub:200")
    crew.await_(lambda: crew.commands("done") > 5, first)
    first.stop()  # which fails unless it ends with 0
    assert crew.commands("claimed") == 0
    assert crew.alive() == []

    second = crew.hired(HITL_FAILPOINT="after_call=kill@7")
    worker = working(second)
    crew.await_statuses(waiting_review=60)
    assert {row["attempts"] for row in crew.rows("select attempts from commands")} == {1}
    crew.decide_all()
    crew.await_(lambda: gone(worker))
    second.process.wait(PATIENCE)
    assert crew.commands("claimed") > 0

    crew.bury(worker)
    crew.hired()
    crew.await_statuses(completed=60)
    assert_once(crew)


@pytest.mark.parametrize(("dies", "attempts"), [("after_commit:claim", 2), ("before_commit:settle", 1)])
def test_what_a_worker_that_nobody_has_seen_die_had_begun_is_done_by_another(
    either_crew: Crew, dies: str, attempts: int
) -> None:
    """Leases run out; and of what a run's first write was still to claim there is none."""
    crew = either_crew
    crew.start(8)
    first = crew.hire(HITL_FAILPOINT=f"{dies}=kill@3")
    first.process.wait(PATIENCE)
    crew.hired()
    crew.run_out()
    crew.unheard()
    crew.await_statuses(waiting_review=8)
    assert max(row["attempts"] for row in crew.rows("select attempts from commands")) == attempts


def test_a_worker_stopped_past_its_lease_writes_nothing_when_it_wakes(either_crew: Crew) -> None:
    crew = either_crew
    (case_id,) = crew.start()
    stalled = crew.hired(HITL_FAILPOINT="before_call=stall")
    crew.await_statuses(waiting_review=1)
    crew.decide(case_id)
    crew.await_(lambda: crew.rows("select 1 from actions where status = 'sending' and called") != [], stalled)
    worker = working(stalled)
    os.kill(worker, signal.SIGSTOP)
    crew.hired()
    crew.run_out()
    crew.await_(lambda: crew.unheard() or crew.statuses() == {"completed": 1})  # the sleeper may have got the message
    before = dump(crew)

    os.kill(worker, signal.SIGCONT)
    crew.await_(lambda: "fenced" in stalled.said, stalled)

    assert dump(crew) == before
    assert_once(crew)


def test_a_worker_whose_master_was_killed_hands_back_and_ends(rabbit_crew: Crew) -> None:
    crew = rabbit_crew
    crew.start(40)
    first = crew.hired(HITL_ANALYZER="stub:200")
    crew.await_(lambda: crew.commands("done") > 5, first)
    ghost = working(first)
    first.process.kill()
    first.process.wait()

    second: Program = crew.hired()
    crew.await_(lambda: gone(ghost), second)
    crew.await_statuses(waiting_review=40)
    crew.decide_all()
    crew.await_statuses(completed=40)
    assert_once(crew)


def test_releasing_one_process_leaves_another_with_a_longer_number_alone(embedded_crew: Crew) -> None:
    crew = embedded_crew
    crew.start(2)
    own, other = worker_id(1234), worker_id(12345)
    for order, owner in (("asc", own), ("desc", other)):
        crew.run(
            f"""update commands set state = 'claimed', owner = %s, lease_until = now() + interval '1 minute'
            where command_id = (select command_id from commands order by command_id {order} limit 1)""",  # noqa: S608
            owner,
        )
    with crew.store.transaction() as tx:
        assert commands.release(tx, own) == 1
    assert [row["owner"] for row in crew.rows("select owner from commands where state = 'claimed'")] == [other]
