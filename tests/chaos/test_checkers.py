"""The checkers are judged first: a clean history passes, and each planted fault is found by the checker made for it."""

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hitl.domain.actions import aspect, digest
from tests.chaos.checkers import CHECKERS, violations
from tests.chaos.history import History, Row
from tests.chaos.witness import PROMISES, UNREADABLE

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
KINDS = ("remove_content", "warn_author", "notify_author")  # a kind of each promise: key, query, none
MANIFEST = {k: {"guarantee": g, "readable": k not in UNREADABLE} for k, g in PROMISES.items()}


class Tale:
    """Tells the history of one case: removed, appealed, restored, removed again."""

    def __init__(self) -> None:
        self.history = History(manifest=MANIFEST)
        self.seq = 0
        self.status: str | None = None
        self._case()
        self._decided(1, "dev-moderator", loser="dev-moderator-2")
        self._appealed()
        self._decided(2, "dev-supervisor", loser="dev-admin")

    def at(self) -> datetime:
        return NOON + timedelta(seconds=self.seq)

    def add(self, table: str, **row: Any) -> Row:
        self.history.tables[table].append({"case_id": "c1", **row})
        return self.history.tables[table][-1]

    def event(self, type_: str, after: str | None = None, **data: Any) -> None:
        self.seq += 1
        self.add("events", seq=self.seq, type=type_, before=self.status if after else None, after=after, data=data)
        self.status = after or self.status

    def said(self, path: str, person: str, sent: Row, status: int, body: Row) -> None:
        line = {"key": f"k{len(self.history.sent)}", "path": path, "person": person, "sent": sent}
        self.history.sent.append({"did": "sent", **line})
        self.history.answered.append({"did": "answered", **line, "status": status, "body": body})

    def _case(self) -> None:
        self.add("cases", status="completed", version=20, needs_attention=False, error=None)
        self.said("/start", "dev-author", {"content": "x"}, 202, {"case_id": "c1"})
        self.event("case_received", "received")
        self.event("analysis_started", "analyzing")
        self.event("analyzed")

    def _decided(self, round_: int, winner: str, *, loser: str) -> None:
        review, decision = f"r{round_}", f"d{round_}"
        self.event("review_opened", "waiting_review", review_id=review)
        actions: list[Row] = [
            {"kind": k, "target": "post:1" if k == KINDS[0] else "author:1", "params": {}} for k in KINDS
        ]
        self.add("reviews", review_id=review, status="decided", round=round_)
        given = {"decision_id": decision, "review_id": review, "decision": "approve", "decided_by": winner}
        self.add("decisions", **given, decided_at=self.at(), round=round_, actions=actions, digest=digest(actions))
        sent = {"case_id": "c1", "review_id": review, "decision": "approve"}
        self.said("/resume", winner, sent, 202, {"decision_id": decision})
        self.said("/resume", loser, sent, 409, {"type": "/problems/stale-review"})
        self.event("review_decided", "executing", review_id=review)
        self.add("commands", command_id=round_, kind="resume", state="done")
        for ordinal, action in enumerate(actions):
            self._forward(round_, ordinal, action)
        self.event("case_completed", "completed")

    def _forward(self, round_: int, ordinal: int, action: Row) -> None:
        action_id = f"a{round_}{ordinal}"
        undone = {1: "irreversible" if action["kind"] == "notify_author" else "reversed", 2: "applied"}[round_]
        self._row((action_id, round_, ordinal), action, undone)
        self.event("action_applied", action_id=action_id)
        self._effect(action_id, action, "forward", None, {"in_force": True})

    def _appealed(self) -> None:
        self.add("appeals", appeal_id="p2", round=2, by_person="dev-author", reason="why", at=self.at())
        self.said("/rollback", "dev-author", {"case_id": "c1", "reason": "why"}, 202, {"case_id": "c1"})
        self.event("appeal_filed", "rolling_back", appeal_id="p2")
        for row in list(self.history.tables["actions"]):
            action_id = f"b{row['ordinal']}"
            self._row((action_id, 1, row["ordinal"]), row, "applied", row["action_id"])
            self._effect(action_id, row, "reverse", row["action_id"], None)
            self.event("action_reversed", action_id=action_id)

    def _row(self, place: tuple[str, int, int], action: Row, status: str, reverses: str | None = None) -> None:
        action_id, round_, ordinal = place
        self.add(
            "actions",
            **{k: action[k] for k in ("kind", "target", "params")},
            action_id=action_id,
            decision_id=f"d{round_}",
            round=round_,
            ordinal=ordinal,
            direction="reverse" if reverses else "forward",
            reverses=reverses,
            aspect=aspect(action["kind"], action["params"], reverses or action_id),
            status=status,
            called=True,
            tries=0,
            before=None,
        )

    def _effect(self, action_id: str, action: Row, direction: str, reverses: str | None, after: Any) -> None:
        silent = action["kind"] in UNREADABLE
        self.history.applied.append(
            {
                **{k: action[k] for k in ("kind", "target", "params")},
                "action_id": action_id,
                "direction": direction,
                "reverses": reverses,
                "before": None,
                "at": self.at().timestamp() + 0.5,
                "aspect": None if silent else aspect(action["kind"], {}, reverses or action_id),
                "after": None if silent else after,
            }
        )


def tale() -> History:
    history = Tale().history
    history.tables["cases"][0]["version"] = len(history.tables["events"])
    return history


def where(rows: list[Row], **wanted: Any) -> Row:
    return next(row for row in rows if all(row[k] == v for k, v in wanted.items()))


def action(history: History, action_id: str) -> Row:
    return where(history.tables["actions"], action_id=action_id)


def again(history: History, action_id: str) -> None:
    history.applied.append(deepcopy(where(history.applied, action_id=action_id)))


def without(history: History, action_id: str) -> None:
    history.applied[:] = [e for e in history.applied if e["action_id"] != action_id]


def acknowledge(history: History, path: str, sent: Row, body: Row, **more: Any) -> None:
    line = {"did": "answered", "key": "new", "path": path, "person": "dev-admin", "sent": sent, "status": 202}
    history.answered.append({**line, "body": body, **more})


def plan_twice(h: History) -> None:
    h.tables["actions"].append({**action(h, "a10"), "action_id": "a99"})
    h.applied.append({**where(h.applied, action_id="a10"), "action_id": "a99"})


RESUME = {"case_id": "c1", "review_id": "r1", "decision": "approve"}
SECOND = {"decision_id": "d9", "case_id": "c1", "review_id": "r1", "decision": "approve", "decided_by": "dev-admin"}


def second_decision(h: History) -> None:
    h.tables["decisions"].append({**h.tables["decisions"][0], **SECOND})


def told_to_have_lost(h: History) -> None:
    line = where(h.answered, path="/resume", status=202)
    line |= {"status": 409, "body": {}}


FAULTS: dict[str, dict[str, Callable[[History], object]]] = {
    "set": {
        "a case is lost": lambda h: acknowledge(h, "/start", {}, {"case_id": "c2"}),
        "a decision is lost": lambda h: acknowledge(h, "/resume", RESUME, {"decision_id": "d7"}),
        "a decision turned into another": lambda h: h.tables["decisions"][0].update(decision="reject"),
        "a rollback is lost": lambda h: h.tables["appeals"][0].update(reason="another"),
        "a settlement is lost": lambda h: acknowledge(h, "/actions/a11/settle", {"outcome": "happened"}, {}),
        "a key got two cases": lambda h: acknowledge(
            h, "/start", {"content": "x"}, {"case_id": "c1", "status": "completed"}, key="k0"
        ),
    },
    "unique": {
        "twice at a platform that honors the key": lambda h: again(h, "a10"),
        "twice at a platform that can be queried": lambda h: again(h, "a11"),
        "repeated by itself where nothing is promised": lambda h: again(h, "a12"),
        "reversed twice": lambda h: again(h, "b0"),
        "planned twice": plan_twice,
    },
    "linear": {
        "two decisions": second_decision,
        "two winners": lambda h: acknowledge(h, "/resume", RESUME, {"decision_id": "d9"}),
        "the winner was told to have lost": told_to_have_lost,
        "decided by nobody who asked": lambda h: h.tables["decisions"][0].update(decided_by="dev-supervisor-2"),
        "lost, though nobody won": lambda h: (
            h.tables["decisions"].pop(0),
            h.tables["reviews"][0].update(status="open"),
        ),
        "decided without a decision": lambda h: h.tables["decisions"].pop(0),
    },
    "queue": {
        "a command is left": lambda h: h.tables["commands"][0].update(state="published"),
        "a case hangs": lambda h: h.tables["cases"][0].update(status="executing"),
        "a case waits for nobody": lambda h: h.tables["cases"][0].update(status="waiting_review"),
        "failed without a cause": lambda h: h.tables["cases"][0].update(status="failed"),
        "completed with an open review": lambda h: h.tables["reviews"][1].update(status="open"),
        "completed with work left": lambda h: action(h, "a20").update(status="sending"),
    },
    "ledger = witness": {
        "an effect that the ledger does not know": lambda h: h.applied.append({**h.applied[0], "action_id": "a99"}),
        "an effect that was never there": lambda h: without(h, "a20"),
        "a reversal that was never there": lambda h: without(h, "b0"),
        "a refusal that took effect": lambda h: action(h, "a20").update(status="refused"),
        "a plan that took effect": lambda h: action(h, "a20").update(status="planned"),
        "a release without a call that was one": lambda h: action(h, "b0").update(called=False),
        "an unknown that nobody is asked about": lambda h: action(h, "a22").update(status="unknown"),
        "a person called for nothing": lambda h: h.tables["cases"][0].update(needs_attention=True),
        "an unknown reversal of what counts as reversed": lambda h: (
            action(h, "b0").update(status="unknown"),
            h.tables["cases"][0].update(needs_attention=True),
        ),
        "reversed, and still called applied": lambda h: action(h, "a10").update(status="applied"),
    },
    "world": {
        "reversed, and still in force": lambda h: where(h.applied, action_id="b1").update(after={"in_force": True}),
        "a message taken back": lambda h: action(h, "a12").update(status="reversed"),
        "applied, and not in force": lambda h: where(h.applied, action_id="a20").update(after=None),
    },
    "decision first": {
        "an effect without a decision": lambda h: action(h, "a20").update(decision_id=None),
        "a decision that was changed": lambda h: h.tables["decisions"][1].update(digest="0" * 64),
        "something else than decided": lambda h: where(h.applied, action_id="a20").update(target="post:2"),
        "other parameters than decided": lambda h: where(h.applied, action_id="a20").update(params={"days": 9}),
        "done before it was decided": lambda h: where(h.applied, action_id="a20").update(at=NOON.timestamp()),
        "undone though nobody asked": lambda h: h.tables["appeals"][0].update(round=1),
        "restored to something else": lambda h: where(h.applied, action_id="b0").update(before={"pinned": True}),
        "the other way round": lambda h: where(h.applied, action_id="a20").update(direction="reverse", reverses="a10"),
    },
    "events": {
        "a gap": lambda h: h.tables["events"].pop(4),
        "a double": lambda h: h.tables["events"].append(h.tables["events"][-1]),
        "a version without an event": lambda h: h.tables["cases"][0].update(version=99),
        "a jump": lambda h: where(h.tables["events"], type="appeal_filed").update(before="waiting_review"),
        "a state without an event": lambda h: h.tables["cases"][0].update(status="failed"),
        "told twice": lambda h: where(h.tables["events"], data={"action_id": "a11"}).update(data={"action_id": "a10"}),
        "analyzed twice": lambda h: where(h.tables["events"], seq=12).update(type="analyzed"),
    },
}
PLANTED = [(checker, fault) for checker, faults in FAULTS.items() for fault in faults]


def test_a_clean_history_passes() -> None:
    assert violations(tale()) == []


def test_every_checker_has_faults_to_find() -> None:
    assert FAULTS.keys() == CHECKERS.keys()


@pytest.mark.parametrize(("checker", "fault"), PLANTED, ids=[f"{c}-{f}".replace(" ", "_") for c, f in PLANTED])
def test_a_planted_fault_is_found(checker: str, fault: str) -> None:
    history = tale()
    FAULTS[checker][fault](history)
    assert list(CHECKERS[checker](history)), f"{checker} did not see: {fault}"


def test_a_repeat_that_a_person_asked_for_is_no_fault() -> None:
    history = tale()
    again(history, "a22")
    history.tables["settlements"].append({"action_id": "a22", "person": "dev-supervisor", "outcome": "retry"})
    assert violations(history) == []


def test_an_unknown_outcome_that_is_named_is_no_fault_whatever_happened() -> None:
    for happened in (True, False):
        history = tale()
        action(history, "a22").update(status="unknown")
        history.tables["cases"][0].update(needs_attention=True)
        if not happened:
            without(history, "a22")
        assert violations(history) == []
