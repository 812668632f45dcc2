"""What nobody asked for but somebody must do: versions that nobody serves, blocked reviews, old rows."""

from hitl.domain.people import Person
from hitl.operations import upkeep
from hitl.store import cases, idempotency, maintenance, outbox, workers
from tests.graphs.house import AUTHOR, CURRENT, MODERATOR, MODERATOR_2, SERVED, SUPERVISOR, SUPERVISOR_2, House, edit

OLD = "moderation@0"


# -- graph versions ----------------------------------------------------------------------------------------------------


def _old(house: House, case_id: str) -> None:
    """The case and its waiting command belong to a version that this code no longer has."""
    house.sql("update cases set graph_version = '0' where case_id = %s", (case_id,))
    house.sql(
        "update commands set graph_version = '0', available_at = now() - interval '2 seconds'"
        " where case_id = %s and finished_at is null",
        (case_id,),
    )


def _upkeep(house: House, *serving: str) -> None:
    with house.store.transaction() as tx:
        tx.execute("delete from workers")
        for label in serving:
            workers.beat(tx, label, serves=[label], relay=True)
    with house.store.transaction() as tx:
        unserved, parked = upkeep.unserved(tx), upkeep.parked(tx)
    for verb, found in ((upkeep.park, unserved), (upkeep.unpark, parked)):
        for case_id in found:
            with house.store.transaction() as tx:
                verb(tx, case_id)


def test_a_case_of_a_version_that_nobody_serves_is_parked_and_taken_up_again(house: House) -> None:
    case_id = house.waiting()
    house.decide(case_id)
    _old(house, case_id)
    assert house.deliver(house.due()[0]) is None, "this worker does not serve it"
    _upkeep(house, SERVED)
    assert house.status(case_id) == "needs_migration"
    _upkeep(house, SERVED)
    _upkeep(house, OLD)
    assert house.status(case_id) == "executing"
    assert house.told(case_id)[-2:] == ["case_parked", "case_unparked"]
    assert house.world.done == []


def test_nothing_is_parked_while_no_worker_lives_or_another_serves_it(house: House) -> None:
    case_id = house.waiting()
    house.decide(case_id)
    _old(house, case_id)
    _upkeep(house)
    _upkeep(house, SERVED, OLD)
    assert house.status(case_id) == "executing"


def test_a_case_whose_run_is_under_way_is_not_parked(house: House) -> None:
    case_id = house.waiting()
    house.decide(case_id)
    run = house.claim(house.due()[0])
    with house.store.transaction() as tx:
        workers.beat(tx, OLD, serves=[OLD], relay=True)
        upkeep.park(tx, case_id)
    assert house.status(case_id) == "executing"
    assert house.runner().run(run) == "done"


def test_a_reversal_of_a_version_that_is_gone_runs_under_the_current_one_and_says_so(house: House) -> None:
    case_id = house.acted()
    house.rollback(case_id)
    _old(house, case_id)
    _upkeep(house, SERVED)
    assert house.told(case_id)[-1] == "graph_version_changed"
    assert house.insist() == ["done"]
    assert (house.status(case_id), house.world.shows("author:dev-author")) == ("waiting_review", {})


def test_a_parked_case_that_is_edited_ends_superseded(house: House) -> None:
    case_id = house.start("one text", content_id="p")
    _old(house, case_id)
    _upkeep(house, SERVED)
    assert house.status(case_id) == "needs_migration"
    house.start("another text", content_id="p")
    assert house.show(case_id)["outcome"] == "superseded"


def test_a_decision_that_waits_for_its_version_is_not_lost_to_an_edited_text(house: House) -> None:
    first = house.waiting(content="one text", content_id="p")
    house.decide(first)
    _old(house, first)
    _upkeep(house, SERVED)
    assert house.status(first) == "needs_migration"
    second = house.start("another text", content_id="p")
    assert (house.status(first), house.status(second)) == ("needs_migration", "received")
    house.sql("update cases set graph_version = %s", (CURRENT,))
    house.sql("update commands set graph_version = %s", (CURRENT,))
    house.insist()
    assert (house.show(first)["outcome"], house.status(second)) == ("actioned", "waiting_review")


def test_a_settling_needs_no_graph_and_runs_when_its_version_is_gone(house: House) -> None:
    case_id = house.acted("edit", actions=edit("remove_content"), content_id="p")
    house.world.faults = ["refuse"]
    house.rollback(case_id, by=SUPERVISOR)
    house.insist()
    house.settle(house.action(case_id, "remove_content")["action_id"], "retry")
    _old(house, case_id)
    _upkeep(house, SERVED)
    assert house.status(case_id) == "waiting_review"
    with house.store.transaction() as tx:
        assert [kind for _, kind in outbox.take(tx, window=8, relay="r", serves=[])[0]] == ["settle"]
    assert house.insist() == ["done"]
    assert house.world.shows("post:p") == {}


def test_cases_that_cannot_be_parked_do_not_keep_others_from_it(house: House) -> None:
    ids = [house.waiting(content=f"text {n}") for n in range(3)]
    for case_id in ids:
        house.decide(case_id)
        _old(house, case_id)
    house.sql("update commands set priority = priority where case_id = %s", (ids[0],))  # to the end of the table
    with house.store.transaction() as tx:
        found = [maintenance.unserved_cases(tx, [SERVED], limit=1) for _ in range(2)]
    assert found == [[ids[0]], [ids[0]]], "the longest waiting first"


def _clear(house: House, limit: int = 50) -> int:
    with house.store.transaction() as tx:
        return upkeep.clear_long_closed(tx, limit)


def _checkpoints(house: House, case_id: str) -> int:
    found = house.rows("select count(*) as n from checkpoints where thread_id = %s", (case_id,))
    return int(found[0]["n"])


def _age(house: House, *case_ids: str) -> None:
    house.sql(
        "update cases set (created_at, updated_at) = (now() - interval '31 days', now() - interval '31 days')"
        " where case_id = any(%s)",
        (list(case_ids),),
    )


def test_a_case_long_closed_keeps_what_a_late_appeal_needs(house: House) -> None:
    fresh, old = house.acted(), house.acted(content="another")
    assert _checkpoints(house, fresh) > 1
    _age(house, old)
    assert [_clear(house), _clear(house)] == [1, 0]
    assert (_checkpoints(house, old), _checkpoints(house, fresh) > 1) == (1, True)
    for case_id in (old, fresh):
        house.rollback(case_id)
        assert house.insist() == ["done"]
        assert house.status(case_id) == "waiting_review"
    house.decide(old, "reject", by=SUPERVISOR)
    house.insist()
    assert _checkpoints(house, old) > 1
    _age(house, old)
    assert (_clear(house), _checkpoints(house, old)) == (1, 1)


def test_old_rows_are_forgotten_in_batches_until_there_are_none(house: House) -> None:
    ids = [house.acted(content=f"text {n}") for n in range(3)]
    _age(house, *ids)
    assert [_clear(house, 2), _clear(house, 2), _clear(house, 2)] == [2, 1, 0]


def test_a_case_that_is_being_appealed_is_left_alone(house: House) -> None:
    case_id = house.acted()
    _age(house, case_id)
    with house.store.transaction() as other:
        cases.lock(other, case_id)
        assert _clear(house) == 0
    house.rollback(case_id)
    _age(house, case_id)
    assert (_clear(house), _checkpoints(house, case_id) > 1) == (0, True)


def test_answers_older_than_a_day_are_forgotten(house: House) -> None:
    with house.store.transaction() as tx:
        for n in range(5):
            answer = {"status_code": 202, "headers": {}, "body": {}}
            idempotency.keep(tx, tenant_id="default", person="p", key=str(n), digest=b"", answer=answer)
    house.sql("update idempotency_keys set created_at = now() - interval '25 hours' where key <> '4'")
    with house.store.transaction() as tx:
        assert [upkeep.forget_answers(tx, 3) for _ in range(3)] == [3, 1, 0]
    assert house.rows("select key from idempotency_keys") == [{"key": "4"}]


# -- blocked reviews ---------------------------------------------------------------------------------------------------


def _reconsider(house: House, people: list[Person], limit: int = 500) -> None:
    after = None
    while True:
        with house.store.transaction() as tx:
            after = upkeep.reconsider(tx, people, after=after, limit=limit)
        if after is None:
            return


def test_a_blocked_review_opens_when_somebody_comes_who_may_decide_it(house: House) -> None:
    house.people = [AUTHOR, MODERATOR, SUPERVISOR]
    case_id = house.acted()
    house.rollback(case_id, by=SUPERVISOR)
    house.drain()
    _reconsider(house, house.people)
    assert house.show(case_id)["review"]["status"] == "blocked"
    for _ in range(2):
        _reconsider(house, [*house.people, SUPERVISOR_2])
    assert house.show(case_id)["review"]["status"] == "open"
    assert house.told(case_id).count("review_unblocked") == 1


def test_an_open_review_is_blocked_when_the_last_one_who_may_decide_it_leaves(house: House) -> None:
    case_id = house.waiting()
    for _ in range(2):
        _reconsider(house, [AUTHOR])
    assert (house.show(case_id)["review"]["status"], house.status(case_id)) == ("blocked", "waiting_review")
    assert house.told(case_id)[-1] == "review_blocked"
    other = house.acted(content="another", by=MODERATOR_2)
    _reconsider(house, [AUTHOR, MODERATOR_2])
    assert house.show(case_id)["review"]["status"] == "open", "what they decided elsewhere is no reason"
    house.rollback(other, by=SUPERVISOR)
    _reconsider(house, [AUTHOR])
    _reconsider(house, [AUTHOR, MODERATOR])
    assert house.told(case_id)[-4:] == ["review_blocked", "review_unblocked"] * 2
    house.decide(case_id)
    _reconsider(house, [AUTHOR])
    assert house.told(case_id)[-1] == "review_decided"


def test_every_review_is_reconsidered_however_many_there_are(house: House) -> None:
    ids = [house.waiting(content=f"text {n}") for n in range(5)]
    _reconsider(house, [AUTHOR], limit=2)
    assert {house.show(case_id)["review"]["status"] for case_id in ids} == {"blocked"}
