"""Rows of `reviews`, `votes`, `decisions` and `appeals`."""

from typing import Any

from hitl.domain.cases import Case
from hitl.store import cases
from hitl.store.actions import STANDING
from hitl.store.postgres import DictRow, Jsonb, Tx

ANALYSIS = """(select row_to_json(a) from (
        select suspect, unavailable, sampled, categories, analyzer, latency_ms, proposals
        from analyses where case_id = %(id)s order by round desc limit 1) a) as analysis"""
# The case's actions first, which `offset 0` keeps apart: in a small table Postgres thinks as well of an index of all
# forward ones, and stays with it while the table grows.
ITS_ACTIONS = "(select * from actions where case_id = %(id)s offset 0) its"
STANDS = f"""exists (select 1 from {ITS_ACTIONS} where direction = 'forward'
        and status in {STANDING} {{}}) as standing"""


def open_(tx: Tx, values: dict[str, Any]) -> None:
    """Open a review for an interrupt, with the next statement; nothing when that interrupt has one.

    The case is locked, so that nobody else can open one meanwhile.
    """
    tx.along(
        """insert into reviews (review_id, tenant_id, case_id, interrupt_id, round, level, status, choices, form,
                                proposed_actions, allowed_actions, digest, deadline_at)
        select %(review_id)s, %(tenant_id)s, %(case_id)s, %(interrupt_id)s, %(round)s, %(level)s, %(status)s,
               %(choices)s, %(form)s, %(proposed_actions)s, %(allowed_actions)s, %(digest)s,
               now() + make_interval(hours => %(hours)s)
        where not exists (select 1 from reviews where case_id = %(case_id)s and interrupt_id = %(interrupt_id)s)""",
        {
            **values,
            "choices": Jsonb(values["choices"]),
            "form": Jsonb(values["form"]),
            "proposed_actions": Jsonb(values["proposed_actions"]),
            "allowed_actions": Jsonb(values["allowed_actions"]),
        },
    )


def for_decision(tx: Tx, case_id: str, review_id: str, *, locked: bool = True) -> tuple[Case, DictRow]:
    """The case, with a review of it: how and by whom it was decided, and what a decision of it needs to know.

    Its `review_id` is None when the case has no such review.
    `involved` (people who may not decide it), `found` (the policies that the analysis names), `standing` (whether an
    effect of the case stands).
    """
    look = cases.lock_and_see if locked else cases.see
    return look(
        tx,
        case_id,
        f"""select r.*, d.decided_by, d.decided_at, array({cases.INVOLVED}) as involved, {STANDS.format("")},
            (select jsonb_path_query_array(categories, '$[*].policy') from analyses
                where case_id = %(id)s order by round desc limit 1) as found
        from reviews r left join decisions d using (review_id)
        where r.case_id = %(id)s and r.review_id = %(review)s""",
        {"review": review_id},
    )


ACTIONS = """(select coalesce(jsonb_agg(jsonb_build_object('action_id', action_id, 'kind', kind,
        'direction', direction, 'reversible', reversible, 'status', status)), '[]')
    from actions where case_id = %(id)s) as actions"""
BASIS = f"""select {ANALYSIS}, {ACTIONS},
        array(select interrupt_id from reviews where case_id = %(id)s) as opened,
        array({cases.INVOLVED}) as involved,
        (select on_appeal from appeals a join cases c using (case_id, round) where case_id = %(id)s) as on_appeal"""
END = f"""select {ANALYSIS}, {ACTIONS},
        (select decision from decisions where case_id = %(id)s
            order by round desc, decided_at desc limit 1) as decision"""


def basis(tx: Tx, case_id: str) -> DictRow:
    """What a review of a case is opened on.

    `analysis` (or None), `opened` (interrupts that have a review), `involved` (people who may not decide it),
    `on_appeal` (of the appeal that opened the round, or None), `actions` (how the case's stand, in no order).
    """
    return _now(tx, case_id, BASIS)


def end(tx: Tx, case_id: str) -> DictRow:
    """What a case's outcome follows from: `analysis`, the newest `decision` (each or None), `actions` as in `basis`."""
    return _now(tx, case_id, END)


def _now(tx: Tx, case_id: str, seen: str) -> DictRow:
    row = tx.one(seen, {"id": case_id})
    assert row is not None, "a select without a table has a row"
    return row


def see_basis(tx: Tx, case_id: str) -> tuple[Case, DictRow]:
    """The case, not locked, and what a review of it is opened on."""
    return cases.see(tx, case_id, BASIS, {})


def see_end(tx: Tx, case_id: str) -> tuple[Case, DictRow]:
    """The case, not locked, and what its outcome follows from."""
    return cases.see(tx, case_id, END, {})


def of_new(case: Case) -> DictRow:
    """Both of a case that is new and has no analysis, without a look: nobody has been asked, and nothing done."""
    nothing: DictRow = {"analysis": None, "on_appeal": None, "decision": None, "opened": [], "actions": []}
    return {**nothing, "involved": [case.author_id, case.started_by]}


def supersede(tx: Tx, case_id: str) -> list[str]:
    """End the case's open reviews because newer content took its place; their ids."""
    rows = tx.all(
        """update reviews set status = 'superseded', closed_at = now()
        where case_id = %s and status in ('open', 'blocked') returning review_id""",
        (case_id,),
    )
    return [r["review_id"] for r in rows]


def vote(tx: Tx, values: dict[str, Any]) -> list[tuple[str, str]]:
    """Count a person's vote (their newest counts); returns all votes: the choice, and the digest of its actions."""
    rows = tx.all(
        """with mine as (
            insert into votes (review_id, person, tenant_id, choice, body)
            values (%(review_id)s, %(person)s, %(tenant_id)s, %(choice)s, %(body)s)
            on conflict (review_id, person) do update set choice = excluded.choice, body = excluded.body, at = now()
            returning choice, body)
        select choice, body ->> 'digest' as digest from mine
        union all select choice, body ->> 'digest' from votes
            where review_id = %(review_id)s and person <> %(person)s""",
        {**values, "body": Jsonb(values["body"])},
    )
    return [(r["choice"], r["digest"]) for r in rows]


def decide(tx: Tx, values: dict[str, Any], vote_: dict[str, Any]) -> None:
    """Close the review with a decision and the vote that settled it, with the next statement.

    A second one for the same review is impossible.
    """
    tx.along(
        "update reviews set status = 'decided', closed_at = now() where review_id = %(review_id)s",
        {"review_id": values["review_id"]},
    )
    tx.along(
        """insert into votes (review_id, person, tenant_id, choice, body)
        select %(review_id)s, %(person)s, %(tenant_id)s, %(choice)s, %(body)s
        where not exists (select 1 from votes where review_id = %(review_id)s and person = %(person)s)""",
        {**vote_, "body": Jsonb({})},  # the decision has it
    )
    tx.along(
        """insert into decisions (decision_id, tenant_id, case_id, review_id, round, decision, decided_by, reason,
                                  private_note, response, policies, actions, digest)
        values (%(decision_id)s, %(tenant_id)s, %(case_id)s, %(review_id)s, %(round)s, %(decision)s, %(decided_by)s,
                %(reason)s, %(private_note)s, %(response)s, %(policies)s, %(actions)s, %(digest)s)""",
        {**values, "policies": Jsonb(values["policies"]), "actions": Jsonb(values["actions"])},
    )


def decision(tx: Tx, decision_id: str) -> DictRow | None:
    """A decision with the interrupt that it answers."""
    return tx.one(
        """select d.*, r.interrupt_id from decisions d join reviews r using (review_id) where d.decision_id = %s""",
        (decision_id,),
    )


def for_rollback(tx: Tx, case_id: str, *, locked: bool = True) -> tuple[Case, DictRow]:
    """The case with what a rollback of it needs to know.

    `under_way` (whether an action of a closed case is being tried again), `opened_by` (`appeal` or `order`: what
    opened the case's round, or None), the newest decision (`decision_id`, `policies` and `age_days`, or None), `found`
    (the policies that the analysis names, or None), `standing` (whether an effect stands that can be reversed).
    """
    look = cases.lock_and_see if locked else cases.see
    return look(
        tx,
        case_id,
        f"""select {STANDS.format("and reversible")}, d.decision_id, d.policies, d.age_days,
            exists (select 1 from {ITS_ACTIONS} where direction = 'forward' and status = 'sending') as under_way,
            (select kind from appeals where case_id = %(id)s and round = mine.round) as opened_by,
            (select jsonb_path_query_array(categories, '$[*].policy') from analyses
                where case_id = %(id)s order by round desc limit 1) as found
        from (values (1)) one(row) left join lateral (
            select decision_id, policies, (extract(epoch from now() - decided_at) / 86400)::float8 as age_days
            from decisions where case_id = %(id)s order by round desc, decided_at desc limit 1) d on true""",
        {},
    )


def rolled_back(tx: Tx, case_id: str, round_: int) -> bool:
    """Whether what was done in a round has been undone since: at once, or by what was decided on a held appeal."""
    row = tx.one(
        """select exists (select 1 from appeals p where p.case_id = %(id)s and p.round > %(round)s
            and (p.on_appeal = 'reverse' or exists (select 1 from decisions d where d.case_id = p.case_id
                 and d.round = p.round and d.decision in ('reject', 'edit')))) as undone""",
        {"id": case_id, "round": round_},
    )
    return bool(row and row["undone"])


def appeal(tx: Tx, values: dict[str, Any]) -> None:
    """Write down who asked for a rollback, and why, with the next statement; `round` is the round that it opens."""
    tx.along(
        """insert into appeals (appeal_id, tenant_id, case_id, round, decision_id, kind, on_appeal, by_person, reason)
        values (%(appeal_id)s, %(tenant_id)s, %(case_id)s, %(round)s, %(decision_id)s, %(kind)s, %(on_appeal)s,
                %(by_person)s, %(reason)s)""",
        values,
    )


def undecided(tx: Tx, after: str | None, limit: int) -> list[DictRow]:
    """A batch of open and blocked reviews behind an id, with `involved`: the people who may not decide them."""
    involved = cases.INVOLVED.replace("%(id)s", "r.case_id")
    return tx.all(
        f"""select r.review_id, r.case_id, r.round, r.level, r.tenant_id, r.status, array({involved}) as involved
        from reviews r where r.status in ('open', 'blocked') and (%(after)s::uuid is null or r.review_id > %(after)s)
        order by r.review_id limit %(limit)s""",
        {"after": after, "limit": limit},
        anew=True,
    )


def turn(tx: Tx, review_id: str, status: str) -> bool:
    """Block an undecided review, or open it; False when it is that already, or ended meanwhile."""
    row = tx.one(
        """update reviews set status = %(to)s where review_id = %(id)s and status in ('open', 'blocked')
        and status <> %(to)s returning 1 as ok""",
        {"id": review_id, "to": status},
    )
    return row is not None
