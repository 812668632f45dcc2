"""Any order of starting, deciding, appealing, doubling, crashing and settling ends where the reference model ends."""

from collections import Counter
from contextlib import closing
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hitl.domain.actions import digest
from hitl.domain.people import Person
from hitl.errors import Conflict, StaleReview
from tests.graphs.house import House
from tests.journeys.reference import ModelCase, Stale, shown

KINDS: dict[str, dict[str, Any]] = {
    "remove_content": {},
    "suspend_author": {"days": 3},
    "strike_author": {},
    "notify_author": {},
}
POINTS = ("verdict", "read", "before_call", "after_call", "settle")
CHOSEN = st.frozensets(st.sampled_from(sorted(KINDS)), min_size=1)


class Lifecycle(RuleBasedStateMachine):
    """One author's cases over one database; each example has cases and an author of its own."""

    cases = Bundle("cases")

    def __init__(self, house: House) -> None:
        super().__init__()
        self.house = house
        self.model: dict[str, ModelCase] = {}
        self.reviews: list[tuple[str, str]] = []
        self.crashes: Counter[int] = Counter()
        self.touched: set[int] = set()
        self.retried: set[str] = set()
        self.author = ""
        house.world.done.clear()

    @initialize()
    def name_the_author(self) -> None:
        self.author = f"author-{self.house.rows('select gen_random_uuid() as id')[0]['id']}"

    # -- what people do ------------------------------------------------------------------------------------------------

    @rule(target=cases, at_once=st.booleans())
    @precondition(lambda self: len(self.model) < 3)
    def start(self, at_once: bool) -> str:
        case_id = self.house.start(f"text {len(self.model)}", author_id=self.author)
        self.model[case_id] = ModelCase()
        self._run(case_id, at_once)
        return case_id

    @rule(case_id=cases, decision=st.sampled_from(["edit", "edit", "reject"]), kinds=CHOSEN, at_once=st.booleans())
    def decide(self, case_id: str, decision: str, kinds: frozenset[str], at_once: bool) -> None:
        case, review = self.model[case_id], self.house.show(case_id)["review"]
        by = Person(f"judge-{case.round}", frozenset({"supervisor"}))
        actions = [{"kind": k, "params": KINDS[k]} for k in sorted(kinds)] if decision == "edit" else None
        wanted = frozenset(kinds if actions else ())
        try:
            case.decide(decision, wanted)
        except Stale:
            if review:
                with pytest.raises(StaleReview):
                    self.house.decide(case_id, decision, by=by, actions=actions)
            return
        self.house.decide(case_id, decision, by=by, actions=actions)
        self.reviews.append((case_id, review["review_id"]))
        self._run(case_id, at_once)

    @rule(which=st.integers(0, 20))
    @precondition(lambda self: self.reviews)
    def decide_what_is_decided(self, which: int) -> None:
        case_id, review_id = self.reviews[which % len(self.reviews)]
        with pytest.raises(StaleReview):
            self.house.decide(case_id, "reject", by=Person("late", frozenset({"admin"})), review_id=review_id)

    @rule(
        case_id=cases, by=st.sampled_from(["appeal", "order", "order"]), times=st.integers(1, 2), at_once=st.booleans()
    )
    @precondition(lambda self: any(c.standing for c in self.model.values()))
    def roll_back(self, case_id: str, by: Literal["appeal", "order"], times: int, at_once: bool) -> None:
        case = self.model[case_id]
        for _ in range(times):
            person = Person(self.author if by == "appeal" else f"boss-{case.round}", _roles(by))
            try:
                case.rollback(by)
            except Stale:
                with pytest.raises(Conflict):
                    self.house.rollback(case_id, by=person)
            else:
                self.house.rollback(case_id, by=person)
        self._run(case_id, at_once)

    @rule(case_id=cases, retry=st.booleans())
    @precondition(lambda self: any(c.unknown for c in self.model.values()))
    def settle(self, case_id: str, retry: bool) -> None:
        case = self.model[case_id]
        if case.unknown is None or case.status != "failed":
            return
        outcome: Any = "retry" if retry else "happened" if case.unknown == "happened" else "did_not_happen"
        case.settle(outcome)
        self.retried |= {case_id} if retry else set()
        (row,) = self.house.rows("select action_id from actions where case_id = %s and status = 'unknown'", (case_id,))
        self.house.settle(row["action_id"], outcome)

    # -- what machines do ----------------------------------------------------------------------------------------------

    @rule(case_id=cases, worker=st.sampled_from(["w1", "w2"]))
    def deliver(self, case_id: str, worker: str) -> None:
        case, command_id = self.model[case_id], self._due(case_id)
        said = self.house.deliver(command_id, worker) if command_id else None
        if said == "target-busy":
            assert self._busy(case_id)
            self.touched.add(command_id or 0)
        else:
            assert said == ("done" if case.todo else None)
            case.deliver()

    @rule(case_id=cases, point=st.sampled_from(POINTS))
    @precondition(lambda self: any(c.todo for c in self.model.values()))
    def crash(self, case_id: str, point: str) -> None:
        """A worker dies at the point; where the run never comes by there, it finishes."""
        command_id = self._due(case_id)
        if command_id is None or self.crashes[command_id] >= 4:
            return
        died = []

        def die() -> None:
            died.append(point)
            self.house.crash()

        self._hook(point, die)
        said = self.house.crashing(command_id)
        self._hook(point, None)
        self.crashes[command_id] += 1
        self.touched.add(command_id)
        assert died or said in ("done", "target-busy")
        if said == "done":
            self.model[case_id].deliver()

    @rule(case_id=cases, happened=st.booleans())
    @precondition(lambda self: any(c.todo == "resume" for c in self.model.values()))
    def lose_an_answer(self, case_id: str, happened: bool) -> None:
        case, command_id = self.model[case_id], self._due(case_id)
        fresh = command_id not in self.touched and case_id not in self.retried and not self._busy(case_id)
        if command_id is None or not fresh or case.todo != "resume" or not case.left:
            return
        world = self.house.world
        world.guarantee, world.faults = "none", ["drop" if happened else "lose"]
        assert self.house.deliver(command_id) == "effect-unknown"
        world.guarantee, world.faults = "key", []
        case.lose(happened=happened)

    @rule(which=st.integers(0, 40), forced=st.booleans())
    @precondition(lambda self: self.model)
    def deliver_an_old_command_again(self, which: int, forced: bool) -> None:
        old = self._rows(
            "select * from commands where case_id = any(%(mine)s::uuid[]) and finished_at is not null order by 1"
        )
        if not old:
            return
        command, before = (
            old[which % len(old)],
            self._rows("select * from events where case_id = any(%(mine)s::uuid[]) order by case_id, seq"),
        )
        effects = len(self.house.world.done)
        if forced and self._due(command["case_id"]) is None and self.model[command["case_id"]].status != "failed":
            self.house.sql(
                "update commands set state = 'ready', finished_at = null, attempts = 0 where command_id = %s",
                (command["command_id"],),
            )
        self.house.deliver(command["command_id"], "w2")
        assert self._rows("select * from events where case_id = any(%(mine)s::uuid[]) order by case_id, seq") == before
        assert len(self.house.world.done) == effects

    @rule()
    @precondition(lambda self: self.crashes)
    def restart(self) -> None:
        """Every process is gone; upkeep finds the orphans."""
        self.house.runners.clear()
        self.house.adopt()

    # -- what must always hold -----------------------------------------------------------------------------------------

    @invariant()
    def the_rows_say_what_the_model_says(self) -> None:
        rows = self._rows("select case_id, status, outcome, round from cases where case_id = any(%(mine)s::uuid[])")
        for row in rows:
            case = self.model[row["case_id"]]
            expected = {"received": ("received", "analyzing")}.get(case.status, (case.status,))
            assert row["status"] in expected
            assert (row["outcome"], row["round"]) == (case.outcome, case.round)

    @invariant()
    def the_platform_shows_what_is_held(self) -> None:
        at_rest = all(c.todo is None and c.unknown is None for c in self.model.values())
        if self.author and at_rest:
            aspects = self.house.world.shows(f"author:{self.author}")
            assert sorted(a.partition(":")[0] for a in aspects) == shown(list(self.model.values()))

    @invariant()
    def events_are_gap_free_and_one_command_moves_a_case(self) -> None:
        for row in self._rows(
            """select c.version, (select max(seq) from events e where e.case_id = c.case_id) as last,
                (select count(*) from events e where e.case_id = c.case_id) as n,
                (select count(*) from commands m where m.case_id = c.case_id and kind <> 'settle'
                    and state in ('ready', 'published', 'claimed')) as live
            from cases c where case_id = any(%(mine)s::uuid[])"""
        ):
            assert row["version"] == row["last"] == row["n"]
            assert row["live"] <= 1

    @invariant()
    def every_effect_was_decided_and_happened_once(self) -> None:
        done = self.house.world.done
        assert all(n == 1 for n in Counter(d.action_id for d in done).values())
        rows = self._rows("select * from actions where case_id = any(%(mine)s::uuid[]) order by round, ordinal")
        decided = {
            r["decision_id"]: r["digest"]
            for r in self._rows("select * from decisions where case_id = any(%(mine)s::uuid[])")
        }
        owner = {r["action_id"]: r["decision_id"] for r in rows}
        for decision_id in {owner[d.action_id] for d in done}:
            planned = [r for r in rows if r["decision_id"] == decision_id and r["direction"] == "forward"]
            assert digest([{k: r[k] for k in ("kind", "target", "params")} for r in planned]) == decided[decision_id]

    @invariant()
    def a_review_has_one_decision_and_an_interrupt_one_review(self) -> None:
        for row in self._rows(
            """select count(*) as n, count(distinct review_id) as reviews from decisions
            where case_id = any(%(mine)s::uuid[]) group by case_id"""
        ):
            assert row["n"] == row["reviews"]

    # -- ---------------------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        self.house.sql("update actions set status = 'unknown' where status = 'sending'")
        self.house.sql(
            "update commands set state = 'done', finished_at = now() where state in ('ready', 'published', 'claimed')"
        )

    def _rows(self, sql: str) -> list[dict[str, Any]]:
        return self.house.rows(sql, {"mine": list(self.model)})

    def _run(self, case_id: str, at_once: bool) -> None:
        if at_once:
            self.deliver(case_id, "w1")

    def _busy(self, case_id: str) -> bool:
        """Whether another case's run died with an effect on the shared author on its way."""
        return bool(self.house.rows("select 1 from actions where status = 'sending' and case_id <> %s", (case_id,)))

    def _due(self, case_id: str) -> int | None:
        self.house.hurry()
        rows = self.house.rows("select command_id from commands where case_id = %s and finished_at is null", (case_id,))
        return rows[0]["command_id"] if rows else None

    def _hook(self, point: str, hook: Any) -> None:
        house = self.house
        match point:
            case "verdict":
                house.analyzer.on_analyze = hook
            case "read":
                house.world.on_read = hook
            case "before_call":
                house.world.before_apply = hook
            case "after_call":
                house.world.after_apply = hook
            case _:
                house.on_settle = hook


def _roles(by: str) -> frozenset[str]:
    return frozenset({"author" if by == "appeal" else "supervisor"})


BOUNDED = settings(
    max_examples=12, stateful_step_count=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def test_a_case_lives_as_the_reference_model_says(database_url: str) -> None:
    with closing(House(database_url)) as house:

        class Here(Lifecycle):
            def __init__(self) -> None:
                super().__init__(house)

        run_state_machine_as_test(Here, settings=BOUNDED)
