"""What a run settled by one statement leaves: the same as with the case locked from the beginning."""

import pytest

from tests.graphs.house import SUPERVISOR, House, edit
from tests.graphs.troubled import kept_with_a_conflict
from tests.graphs.watched import Watched

POST = "post:p"


def test_every_run_of_the_usual_way_is_settled_by_one_statement(house: House, watched: Watched) -> None:
    case_id = house.acted()
    shown = house.show(case_id)
    assert (shown["outcome"], shown["needs_attention"]) == ("actioned", False)
    assert set(house.actions(case_id).values()) == {"applied"}
    house.rollback(case_id)
    house.drain()
    assert house.actions(case_id) == {
        "remove_content": "reversed", "warn_author": "reversed", "notify_author": "irreversible"
    }  # fmt: skip
    assert set(house.actions(case_id, "reverse").values()) == {"applied"}
    house.decide(case_id, "reject", by=SUPERVISOR)
    house.drain()
    shown = house.show(case_id)
    assert (shown["outcome"], shown["needs_attention"], watched.took_transactions()) == ("kept", False, False)
    told = house.told(case_id)
    assert [told.count(one) for one in ("analyzed", "action_applied", "case_completed")] == [1, 3, 2]
    assert house.rows("select 1 from on_their_way") == []


def test_the_one_action_that_is_applied_with_it_makes_the_outcome(house: House, watched: Watched) -> None:
    case_id = house.acted("edit", actions=edit("remove_content"))
    assert house.actions(case_id) == {"remove_content": "applied"}
    assert (house.show(case_id)["outcome"], watched.took_transactions()) == ("actioned", False)


def test_what_the_last_reversal_of_a_held_round_undid_stands_no_more(house: House, watched: Watched) -> None:
    house.analyzer.policies = ("violence",)
    case_id = house.acted("edit", actions=edit(suspend_author={"days": 3}))
    house.rollback(case_id)
    house.drain()
    assert house.show(case_id)["appeal"]["on_appeal"] == "hold"
    assert house.actions(case_id) == {"suspend_author": "applied"}
    house.decide(case_id, "reject", by=SUPERVISOR)
    house.drain()
    assert house.actions(case_id) == {"suspend_author": "reversed"}
    assert (house.show(case_id)["outcome"], watched.took_transactions()) == ("kept", False)


def test_what_a_person_had_to_look_at_and_is_undone_needs_nobody_any_more(house: House, watched: Watched) -> None:
    case_id = kept_with_a_conflict(house)
    assert house.show(case_id)["needs_attention"]
    house.world.state[POST] = {}
    house.rollback(case_id, by=SUPERVISOR)
    watched.took_transactions()
    assert house.insist() == ["done"]
    shown = house.show(case_id)
    assert (house.actions(case_id), shown["needs_attention"]) == ({"remove_content": "reversed"}, False)
    assert watched.took_transactions(), "what it derives from would not have been seen"


def test_an_action_that_is_not_on_its_way_any_more_is_looked_at_with_the_case_locked(
    house: House, watched: Watched
) -> None:
    """However that came about: told is what was written."""
    case_id = house.waiting()
    house.decide(case_id)
    (command_id,) = house.due()
    house.on_settle = lambda: house.sql("update actions set status = 'applied' where status = 'sending'")
    watched.took_transactions()
    assert house.deliver(command_id) == "done"
    assert watched.took_transactions()
    assert house.told(case_id).count("action_applied") == 2


def test_a_clean_post_is_judged_and_allowed_by_three_statements(house: House, watched: Watched) -> None:
    house.analyzer.policies = ()
    case_id = house.start()
    watched.took_transactions()
    assert house.drain() == ["done"]
    assert (house.show(case_id)["outcome"], watched.took_transactions()) == ("allowed", False)
    assert house.told(case_id) == ["case_received", "analysis_started", "analyzed", "case_completed"]


@pytest.mark.parametrize("quick", [True, False])
def test_what_was_paid_for_was_written_before_and_is_told_all_the_same(
    house: House, watched: Watched, quick: bool
) -> None:
    house.analyzer.quick = quick
    house.analyzer.usage = {"total_tokens": 9}
    case_id = house.waiting()
    assert not watched.took_transactions()
    assert house.told(case_id) == ["case_received", "analysis_started", "analyzed", "review_opened"]
    assert [c["policy"] for c in house.show(case_id)["verdict"]["categories"]] == ["harassment"]


def test_what_is_told_of_an_analysis_is_what_was_kept(house: House) -> None:
    case_id = house.waiting()
    (kept,) = house.rows("select categories, analyzer, latency_ms, suspect, sampled, unavailable from analyses")
    (told,) = [e["data"] for e in house.events(case_id) if e["type"] == "analyzed"]
    assert told.pop("categories") == [
        {k: c[k] for k in ("policy", "severity", "confidence")} for c in kept["categories"]
    ]
    assert told == {name: kept[name] for name in told}
