"""The whole moderation lifecycle over HTTP, on both brokers."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.journeys.client import KIND, RUDE, Cast, gap_free, statuses


def removed(cast: Cast, case: dict[str, Any]) -> bool:
    state = cast.moderator.get(f"/cases/{case['case_id']}").json()["target_state"]
    return bool(state["post"].get("remove_content"))


def waiting(cast: Cast, **more: Any) -> str:
    case_id = cast.author.start(RUDE, **more)
    cast.moderator.await_status(case_id, "waiting_review")
    return case_id


def test_a_harmless_post_is_allowed_without_people(cast: Cast) -> None:
    case_id = cast.author.start(KIND)

    case = cast.author.await_status(case_id, "completed")

    assert (case["outcome"], case["actions"], case["reviews"]) == ("allowed", [], [])
    assert gap_free(cast.author.events(case_id))


def test_a_rude_post_goes_through_the_whole_loop(cast: Cast) -> None:
    case_id = waiting(cast)
    case = cast.moderator.status(case_id)
    assert case["verdict"]["suspect"]
    assert "Remove the post" in [c["label"] for c in case["review"]["choices"]]

    assert cast.moderator.decide(case_id, "approve", reason="An insult.").status_code == 202
    case = cast.moderator.await_status(case_id, "completed")
    assert case["outcome"] == "actioned"
    assert set(statuses(case, "forward").values()) == {"applied"}
    assert removed(cast, case)

    assert cast.author.rollback(case_id).status_code == 202
    case = cast.moderator.await_status(case_id, "waiting_review")
    assert set(statuses(case, "forward").values()) <= {"reversed", "irreversible"}
    assert not removed(cast, case)
    assert (case["review"]["round"], case["review"]["level"]) == (2, 2)

    refused = cast.moderator.decide(case_id, "reject")
    assert refused.status_code == 403
    assert refused.json()["type"] == "/problems/conflict-of-interest"
    assert cast.supervisor.decide(case_id, "reject").status_code == 202
    assert cast.moderator.await_status(case_id, "completed")["outcome"] == "kept"
    assert gap_free(cast.moderator.events(case_id))


def test_what_is_decided_on_an_appeal_is_final_for_the_author_but_not_for_a_supervisor(cast: Cast) -> None:
    case_id = waiting(cast)
    cast.moderator.decide(case_id, "approve", reason="An insult.")
    cast.moderator.await_status(case_id, "completed")
    cast.author.rollback(case_id)
    cast.moderator.await_status(case_id, "waiting_review")
    assert cast.supervisor.decide(case_id, "approve", reason="Still an insult.").status_code == 202
    cast.moderator.await_status(case_id, "completed")

    assert cast.author.rollback(case_id).json()["type"] == "/problems/appeal-used"
    assert cast.other_supervisor.rollback(case_id).status_code == 202
    case = cast.moderator.await_status(case_id, "waiting_review")
    assert case["review"]["round"] == 3
    assert not removed(cast, case)
    assert cast.other_supervisor.decide(case_id, "reject").status_code == 403  # who ordered it does not decide it
    assert cast.admin.decide(case_id, "reject").status_code == 202


def test_of_eight_deciders_one_wins_and_the_effects_are_there_once(cast: Cast) -> None:
    case_id = waiting(cast)
    review_id = cast.moderator.status(case_id)["review"]["review_id"]
    body = {"case_id": case_id, "review_id": review_id, "decision": "approve", "reason": "An insult."}
    deciders = [cast.moderator, cast.other_moderator, cast.supervisor, cast.admin] * 2

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda player: player.post("/resume", body), deciders))

    assert sorted(a.status_code for a in answers) == [202] + [409] * 7
    assert {a.json()["type"] for a in answers if a.status_code == 409} == {"/problems/stale-review"}
    case = cast.moderator.await_status(case_id, "completed")
    kinds = [a["kind"] for a in case["actions"]]
    assert len(kinds) == len(set(kinds))


def test_an_edit_carries_out_other_actions(cast: Cast) -> None:
    case_id = waiting(cast)
    edit = [{"kind": "warn_author"}]

    answer = cast.moderator.decide(case_id, "edit", reason="A warning will do.", actions=edit)

    assert answer.status_code == 202, answer.text
    case = cast.moderator.await_status(case_id, "completed")
    assert statuses(case, "forward") == {"warn_author": "applied"}
    assert not removed(cast, case)


def test_edited_text_supersedes_the_open_case(cast: Cast) -> None:
    first = waiting(cast, content_id="post-to-edit-" + RUDE[:4] + cast.url[-5:])
    content_id = cast.moderator.status(first)["content_id"]

    same = cast.author.start(RUDE, content_id=content_id)
    second = cast.author.start(KIND, content_id=content_id)

    assert same == first != second
    assert cast.moderator.status(first)["outcome"] == "superseded"
    assert cast.author.await_status(second, "completed")["outcome"] == "allowed"
    stale = cast.moderator.decide(first, "approve", reason="Too late.")
    assert stale.json()["type"] == "/problems/stale-review"


def test_authors_never_see_who_decided_nor_how_sure_the_machine_was(cast: Cast) -> None:
    case_id = waiting(cast)
    cast.moderator.decide(case_id, "approve", reason="An insult.", private_note="seen this one before")
    cast.moderator.await_status(case_id, "completed")

    seen = cast.author.get(f"/cases/{case_id}").text + str(cast.author.events(case_id))

    assert "dev-moderator" not in seen
    assert "confidence" not in seen
    assert "seen this one before" not in seen
    assert cast.other_author.get(f"/status/{case_id}").status_code == 404
