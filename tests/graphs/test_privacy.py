"""Content is in no checkpoint, event, command, ledger row or log: only where it can be erased."""

from structlog.testing import capture_logs

from hitl.analyzers.port import AnalyzerUnavailable
from hitl.operations.rollback import rollback
from hitl.operations.settle import settle_action
from tests.graphs.house import AUTHOR, SUPERVISOR, House, edit

CANARY = "canary-5f0c-text"
ERASABLE = {
    "contents": {CANARY, "canary-context"},
    "decisions": {"canary-reason", "canary-note", "canary-response"},
    "appeals": {"canary-appeal"},
    "settlements": {"canary-settling"},
}


def test_what_people_wrote_lies_only_where_it_can_be_erased(house: House) -> None:
    with capture_logs() as logs:
        _live(house)
    assert "canary" not in str(logs)
    found = {table: b"\n".join(rows).decode() for table, rows in house.dump().items()}
    for table, text in found.items():
        words = {w for words in ERASABLE.values() for w in words if w in text}
        assert words <= ERASABLE.get(table, set()), table
        assert table in ERASABLE or "canary" not in text, table
    assert CANARY in found["contents"]
    assert "canary-reason" in found["decisions"]


def test_the_binary_columns_of_checkpoints_hold_no_content_either(house: House) -> None:
    _live(house)
    blobs = house.rows("select blob from checkpoint_blobs") + house.rows("select blob from checkpoint_writes")
    assert blobs
    assert not [b for b in blobs if b"canary" in bytes(b["blob"] or b"")]


def _live(house: House) -> None:
    """A case that goes through everything: an outage, a decision, an unknown outcome, an appeal, an answer."""
    house.analyzer.trouble = [AnalyzerUnavailable("the analyzer is down")]
    case_id = house.start(f"you are silly {CANARY}", context={"thread": "canary-context"})
    house.insist()
    house.world.guarantee, house.world.faults = "none", ["lose"]
    house.decide(case_id, "edit", actions=edit("remove_content"), reason="canary-reason", private_note="canary-note")
    house.insist()
    house.world.guarantee = "key"
    with house.store.transaction() as tx:
        action_id = house.action(case_id, "remove_content")["action_id"]
        settle_action(tx, SUPERVISOR, action_id, "retry", "canary-settling")
    house.insist()
    with house.store.transaction() as tx:
        rollback(tx, AUTHOR, case_id, "canary-appeal")
    house.insist()
    house.offer("respond")
    house.decide(case_id, "respond", by=SUPERVISOR, response="canary-response")
    house.insist()
    assert house.show(case_id)["outcome"] == "answered"
