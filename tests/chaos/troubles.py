"""What has to go wrong on a case's way so that a commit boundary beside the main path is passed."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.chaos.driver import PATIENCE, Journey, Lost, Moment
from tests.chaos.site import WORKERS, Site

KEY, SILENT = "remove_content", "notify_author"  # honors its key; promises nothing, and cannot be read
NOBODYS = "nobody serves this"
CALLED = """select exists (select 1 from actions a join commands c using (case_id)
    where case_id = %(case)s and a.status = 'sending' and a.called and c.kind = 'resume' and c.state = 'claimed')"""
LEASE_OVER = """update commands set lease_until = now() - interval '1 second', attempts = %(attempts)s
    where case_id = %(case)s and state = 'claimed'"""
SERVED_AGAIN = """with served as (select graph_version from commands where case_id = %(case)s and kind = 'start'),
    due as (update commands m set graph_version = s.graph_version, available_at = now() + interval '5 seconds'
            from served s where m.case_id = %(case)s and m.kind = 'resume')
    update cases c set graph_version = s.graph_version from served s where c.case_id = %(case)s"""
LONG_AGO = """update cases set created_at = created_at - interval '40 days', updated_at = now() - interval '35 days'
    where case_id = %(case)s"""


@dataclass(frozen=True)
class Way:
    """One case's way, and the Guardian that it takes; `armed` is what hurts the programs that are started again."""

    site: Site
    journey: Journey
    armed: Mapping[str, str]

    def sql(self, statement: str, **more: object) -> list[tuple[Any, ...]]:
        """Run a statement about the case."""
        return self.site.sql(statement, {"case": self.journey.case_id, **more})

    def until(self, statement: str) -> None:
        """Wait until a statement's first row begins with true."""
        given_up = time.monotonic() + PATIENCE
        while not self.sql(statement)[0][0]:
            if time.monotonic() > given_up:
                raise Lost(f"never so: {statement}")
            time.sleep(0.02)

    def restart(self) -> None:
        """New workers: upkeep looks at everything afresh."""
        self.site.rearm(WORKERS, self.armed)


Trouble = Callable[[Way, Moment], None]


def ordered(kind: str, direction: str, does: str) -> Trouble:
    """The platform does this to such calls, until a person looks into it."""

    def trouble(way: Way, moment: Moment) -> None:
        if moment in ("posted", "settling"):
            way.site.order(kind, direction, does if moment == "posted" else None)

    return trouble


def orphaned(attempts: int) -> Trouble:
    """A call stalls, and the run's lease is over meanwhile, after so many attempts."""

    def trouble(way: Way, moment: Moment) -> None:
        if moment == "posted":
            way.site.order(KEY, "forward", "stall")
        if moment == "decided":
            way.until(CALLED)
            way.sql(LEASE_OVER, attempts=attempts)

    return trouble


def parked(way: Way, moment: Moment) -> None:
    """Nobody serves the case's graph version any more; then somebody does."""
    if moment == "posted":
        way.sql("update cases set graph_version = %(it)s where case_id = %(case)s", it=NOBODYS)
    if moment == "decided":
        way.journey.await_(lambda c: c["status"] == "needs_migration")
        way.sql(SERVED_AGAIN)


def moved(way: Way, moment: Moment) -> None:
    """By the time that the case is rolled back nobody serves its graph version any more."""
    if moment == "carried out":
        way.sql("update cases set graph_version = %(it)s where case_id = %(case)s", it=NOBODYS)


def blocked(way: Way, moment: Moment) -> None:
    """A review was closed to everybody; somebody may decide it by now."""
    if moment == "posted":
        way.sql("update reviews set status = 'blocked' where case_id = %(case)s")
        way.restart()
        way.until("select status = 'open' from reviews where case_id = %(case)s")


def forgotten(way: Way, moment: Moment) -> None:
    """Answers that nobody may ask for again are two days old."""
    if moment == "posted":
        way.sql("update idempotency_keys set created_at = created_at - interval '2 days'")
        way.restart()
        way.until("select count(*) = 0 from idempotency_keys")


def cleared(way: Way, moment: Moment) -> None:
    """The case was closed long ago; its author appeals all the same."""
    if moment == "carried out":
        way.sql(LONG_AGO)
        way.restart()
        way.until("select cleared = round from cases where case_id = %(case)s")


REFUSED = ordered(KEY, "forward", "refuse")
UNKNOWN = ordered(SILENT, "forward", "drop")
# By boundary: what is behind before_commit: and after_commit:.
TROUBLES: dict[str, Trouble] = {
    "refused": REFUSED,
    "unknown": UNKNOWN,
    "refused_reversal": ordered(KEY, "reverse", "refuse"),
    "unknown_reversal": ordered(SILENT, "reverse", "drop"),
    "conflict_reversal": ordered(KEY, "reverse", "change"),
    "fail": UNKNOWN,
    "settle_action": REFUSED,
    "settled_actions": REFUSED,
    "adopt": orphaned(1),
    "give_up": orphaned(5),
    "park": parked,
    "unpark": parked,
    "move": moved,
    "reconsider": blocked,
    "forget": forgotten,
    "clear": cleared,
}
