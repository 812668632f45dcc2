"""Checkers after Jepsen's: each reads a whole history and names every promise that was broken in it."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from hitl.domain.actions import digest
from tests.chaos.history import History, Row, grouped

Checker = Callable[[History], Iterator[str]]
ASKED = ("key", "query")  # promises under which repeats can be told apart
UNSETTLED = ("unknown", "conflict", "reversal_incomplete")
HAPPENED = ("applied", "reversed", "conflict", "reversal_incomplete", "irreversible")
NEVER_HAPPENED = ("planned", "refused")
NO = (403, 409, 422)  # answers after which nothing was done; a 5xx leaves that open
CLOCK_SECONDS = 0.001  # two clocks are read: Postgres' and the witness's, on one machine


def acknowledged(history: History) -> Iterator[str]:
    """Set: whatever was answered 202 is there, and a repeated key got the same answer."""
    accepted = [a for a in history.answered if a["status"] == 202]
    appeals, settlements = history.of_case("appeals"), grouped(history.tables["settlements"], "action_id")
    for answer in accepted:
        if not _is_there(history, answer, appeals, settlements):
            yield f"{answer['path']} was acknowledged to {answer['person']} and is not there as given: {answer['body']}"
    for key, answers in grouped(accepted, "key").items():
        if any(a["body"] != answers[0]["body"] for a in answers):
            yield f"the key {key} got two different answers"


def _is_there(history: History, answer: Row, appeals: dict[str, list[Row]], settlements: dict[str, list[Row]]) -> bool:
    path, body, sent, who = answer["path"], answer["body"], answer["sent"], answer["person"]
    if path == "/start":
        return body["case_id"] in history.cases
    if path == "/resume":
        given = {"review_id": sent["review_id"], "decision": sent["decision"], "decided_by": who}
        return given.items() <= history.decisions.get(body["decision_id"], {}).items()
    if path == "/rollback":
        rows, given = appeals.get(sent["case_id"], []), {"by_person": who, "reason": sent["reason"]}
    else:
        rows, given = settlements.get(path.split("/")[2], []), {"person": who, "outcome": sent["outcome"]}
    return any(all(row[k] == v for k, v in given.items()) for row in rows)


def unique(history: History) -> Iterator[str]:
    """Unique: no effect twice where repeats can be told apart; nowhere a repeat that no person asked for."""
    asked = Counter(s["action_id"] for s in history.tables["settlements"] if s["outcome"] in ("retry", "overwrite"))
    counts: Counter[tuple[Any, ...]] = Counter()
    for action_id, effects in history.effects.items():
        row = history.actions.get(action_id)
        if row is None:
            continue  # the ledger checker names it
        place = (row["case_id"], row["round"], row["ordinal"], row["direction"])
        counts[place] += len(effects)
        promise = history.manifest[row["kind"]]["guarantee"]
        allowed = 1 if promise in ASKED else 1 + asked[action_id] + asked[row["reverses"]]
        if counts[place] > allowed:
            yield f"{_name(row)} was applied {counts[place]} times at a platform that promises {promise}"


def one_winner(history: History) -> Iterator[str]:
    """Linear: one decision per review, that of the one who was told so; who lost was told so and caused nothing."""
    decided, reviews = grouped(history.tables["decisions"], "review_id"), history.tables["reviews"]
    asked, answers = _by_review(history.sent), _by_review(history.answered)
    for review in reviews:
        review_id = review["review_id"]
        rows = decided.get(review_id, [])
        said = answers.get(review_id, [])
        winners = {a["body"]["decision_id"] for a in said if a["status"] == 202}
        if len(rows) > 1 or len(winners) > 1:
            yield f"review {review_id} has {len(rows)} decisions, and {len(winners)} were told that they won"
        if winners and winners != {row["decision_id"] for row in rows}:
            yield f"review {review_id} was decided by somebody else than the one who was told so"
        lost = {a["person"] for a in said if a["status"] in NO} - {a["person"] for a in said if a["status"] == 202}
        if rows and rows[0]["decided_by"] in lost:
            yield f"{rows[0]['decided_by']} was told to have lost review {review_id}, and is written as its winner"
        if rows and rows[0]["decided_by"] not in {s["person"] for s in asked.get(review_id, [])}:
            yield f"review {review_id} was decided by {rows[0]['decided_by']}, who never asked to"
        if review["status"] == "open" and any(a["status"] == 409 for a in said):
            yield f"somebody lost review {review_id}, which nobody won"
        if (review["status"] == "decided") != bool(rows):
            yield f"review {review_id} is {review['status']} with {len(rows)} decisions"


def _by_review(lines: list[Row]) -> dict[str, list[Row]]:
    return grouped([{**a, "review": a["sent"]["review_id"]} for a in lines if a["path"] == "/resume"], "review")


def settled(history: History) -> Iterator[str]:
    """Queue: what went in came out. No command is left over, and every case is at rest, for a reason that it names."""
    for command in history.tables["commands"]:
        if command["state"] not in ("done", "failed"):
            yield f"command {command['command_id']} ({command['kind']}) is still {command['state']}"
    reviews, actions = history.of_case("reviews"), history.of_case("actions")
    for case_id, case in history.cases.items():
        open_ = [r for r in reviews.get(case_id, []) if r["status"] in ("open", "blocked")]
        left = [a for a in actions.get(case_id, []) if a["status"] in ("planned", "sending")]
        if case["status"] not in ("completed", "waiting_review", "failed"):
            yield f"case {case_id} is still {case['status']}"
        if len(open_) != (case["status"] == "waiting_review"):
            yield f"case {case_id} is {case['status']} with {len(open_)} open reviews"
        if case["status"] == "failed" and not (case["error"] or {}).get("cause"):
            yield f"case {case_id} has failed without a cause"
        if left and case["status"] != "failed":
            yield f"case {case_id} is {case['status']} with {len(left)} actions still to be done"


def ledger_is_witness(history: History) -> Iterator[str]:
    """Ledger = witness, both ways: what we say was done is what was done; what nobody can know is named."""
    for action_id, effects in history.effects.items():
        if action_id not in history.actions:
            yield f"{effects[0]['kind']} was done to {effects[0]['target']}, and the ledger does not know of it"
    for row in history.actions.values():
        yield from _told(row, len(history.effects.get(row["action_id"], [])))
        undone = history.actions.get(row["reverses"] or "")
        if undone and row["status"] == "unknown" and undone["status"] != "reversal_incomplete":
            yield f"{_name(row)} is of unknown outcome, but what it undoes is {undone['status']}"
        if undone and row["status"] == "applied" and undone["status"] not in ("reversed", "irreversible"):
            yield f"{_name(row)} was applied, but what it undoes is {undone['status']}"
    actions = history.of_case("actions")
    for case_id, case in history.cases.items():
        unsettled = any(a["status"] in UNSETTLED or a.get("attention") for a in actions.get(case_id, []))
        if unsettled != case["needs_attention"]:
            yield f"case {case_id} {'hides' if unsettled else 'claims'} that a person is needed"


def _told(row: Row, times: int) -> Iterator[str]:
    """Whether the row's word and the number of its effects agree."""
    if row["direction"] == "forward":
        wrong = (row["status"] in HAPPENED and not times) or (row["status"] in NEVER_HAPPENED and times)
    else:
        applied, tried_again = row["status"] == "applied", row["tries"] > 0
        wrong = (applied and row["called"] and not times) or (times and row["status"] in NEVER_HAPPENED)
        uncalled = row["status"] == "conflict" or (applied and not row["called"])
        wrong = wrong or (times and uncalled and not tried_again)
    if wrong:
        yield f"the ledger calls {_name(row)} {row['status']}, and it was done {times} times"


def world(history: History) -> Iterator[str]:
    """Undone is undone: an aspect is in force exactly while a decision holds it, as far as anybody can know."""
    state: dict[tuple[str, str], Any] = {}
    for effect in history.applied:
        if effect["aspect"]:
            state[effect["target"], effect["aspect"]] = effect["after"]
    left = {s["action_id"] for s in history.tables["settlements"] if s["outcome"] == "leave"}
    rows = [r for r in history.actions.values() if r["direction"] == "forward"]
    for row in rows:
        if row["status"] == "reversed" and not history.manifest[row["kind"]]["readable"]:
            yield f"{_name(row)} cannot be taken back, and is called reversed"
    for (target, aspect), held in itertools.groupby(sorted(rows, key=_aspect), key=_aspect):
        statuses = {"left" if row["action_id"] in left else row["status"] for row in held}
        if statuses & {*UNSETTLED, "sending", "left"} or not history.manifest[aspect.partition(":")[0]]["readable"]:
            continue
        if ("applied" in statuses) != (state.get((target, aspect)) is not None):
            yield f"{aspect} of {target} is {state.get((target, aspect))} though its actions are {sorted(statuses)}"


def _aspect(row: Row) -> tuple[str, str]:
    return row["target"], row["aspect"]


def decided_first(history: History) -> Iterator[str]:
    """No effect without a decision, committed before it, whose digest is that of what was done."""
    appeals = history.of_case("appeals")
    for effect in history.applied:
        row = history.actions.get(effect["action_id"])
        decision = history.decisions.get(row["decision_id"] or "") if row else None
        if row is None or decision is None:
            yield f"{effect['kind']} was done to {effect['target']} without a decision"
            continue
        if digest(decision["actions"]) != decision["digest"]:
            yield f"decision {decision['decision_id']} is not what its digest says"
        decided = decision["actions"][row["ordinal"]] if row["ordinal"] < len(decision["actions"]) else None
        if {k: effect[k] for k in ("kind", "target", "params")} != decided:
            yield f"{_name(row)} is not what was decided"
        if decision["decided_at"].timestamp() > effect["at"] + CLOCK_SECONDS:
            yield f"{_name(row)} was done before it was decided"
        if effect["direction"] != row["direction"] or effect["reverses"] != row["reverses"]:
            yield f"{_name(row)} was done in another direction than planned"
        elif row["direction"] == "reverse":
            yield from _undone_rightly(history, row, effect, appeals.get(row["case_id"], []))


def _undone_rightly(history: History, row: Row, effect: Row, appeals: list[Row]) -> Iterator[str]:
    asked = [a for a in appeals if a["round"] > row["round"] and a["at"].timestamp() <= effect["at"] + CLOCK_SECONDS]
    if not asked:
        yield f"{_name(row)} was done though nobody had asked for it"
    undone = history.actions[row["reverses"]]
    if row["kind"] != "notify_author" and effect["before"] != undone["before"]:
        yield f"{_name(row)} restored {effect['before']} instead of {undone['before']}"


def gap_free(history: History) -> Iterator[str]:
    """Events have no gap and no double, each state follows from the one before, and each change has exactly one."""
    events = history.of_case("events")
    for case_id, case in history.cases.items():
        rows = sorted(events.get(case_id, []), key=lambda e: e["seq"])
        if [e["seq"] for e in rows] != list(range(1, case["version"] + 1)):
            yield f"case {case_id} is at version {case['version']} with events {[e['seq'] for e in rows]}"
        moves = [(e["before"], e["after"]) for e in rows if e["after"]]
        if any(later[0] != earlier[1] for earlier, later in itertools.pairwise(moves)):
            yield f"case {case_id} jumped: {moves}"
        if not moves or moves[-1][1] != case["status"]:
            yield f"case {case_id} is {case['status']}, and its events end with {moves[-1:]}"
        yield from _once(case_id, rows)


def _once(case_id: str, rows: list[Row]) -> Iterator[str]:
    ids = {
        "review_opened": "review_id",
        "review_decided": "review_id",
        "action_applied": "action_id",
        "action_reversed": "action_id",
        "appeal_filed": "appeal_id",
        "rollback_ordered": "appeal_id",
    }
    told = Counter((e["type"], e["data"][ids[e["type"]]]) for e in rows if e["type"] in ids)
    told += Counter((e["type"], "it") for e in rows if e["type"] in ("case_received", "analyzed"))
    for (type_, id_), times in told.items():
        if times > 1:
            yield f"case {case_id} tells {type_} of {id_} {times} times"


def _name(row: Row) -> str:
    return f"{row['direction']} {row['kind']} of case {row['case_id']} round {row['round']} ({row['action_id']})"


CHECKERS: dict[str, Checker] = {
    "set": acknowledged,
    "unique": unique,
    "linear": one_winner,
    "queue": settled,
    "ledger = witness": ledger_is_witness,
    "world": world,
    "decision first": decided_first,
    "events": gap_free,
}


def violations(history: History) -> list[str]:
    """Every broken promise, each with the checker that found it; empty when all were kept."""
    return [f"{name}: {found}" for name, checker in CHECKERS.items() for found in checker(history)]
