"""Carrying decisions out: the calls to the platform, made between the ledger's transactions."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from psycopg.rows import DictRow

from hitl import failpoints
from hitl.domain.commands import MAX_ATTEMPTS
from hitl.errors import TargetBusy
from hitl.graphs.run import Run
from hitl.operations import ledger
from hitl.operations.ledger import Seen
from hitl.platforms.port import EffectRefused, EffectUnknown, KindManifest, Platform, Receipt
from hitl.store.postgres import Store
from hitl.store.proof import MovedOn

BUSY_PAUSES = (0.01, 0.02, 0.04, 0.08)  # seconds; an effect on the embedded forum takes a few milliseconds
FRESH_SECONDS = 1.0  # how old the proof of the lease may be when a call is made; a stopped process wakes up later
UNKEPT = KindManifest("none", readable=False)  # what a platform promises for a kind that its manifest does not name


class EffectStopped(Exception):
    """A forward action is of unknown outcome: what comes after it waits for a person."""


class PlatformTrouble(Exception):
    """The platform gave no clear answer; asking again is safe."""


class PlatformLedger:
    """Does and undoes, each action once."""

    def __init__(self, store: Store, platform: Callable[[str], Platform]) -> None:
        self._store = store
        self._platform_of = platform  # by tenant

    def carry_out(self, run: Run, decision_id: str) -> None:
        """Do the actions of a decision in order; a refused one does not stop the others, an unknown one does."""
        if ledger.idle(run.command, decision_id):
            return
        rows = ledger.work_seen(run.command, decision_id) if run.unmoved else None
        if rows is None:
            with self._store.statement() as tx:
                rows = ledger.forward_work(tx, decision_id)
        for row in rows:
            if row["status"] == "unknown":
                raise EffectStopped()
            if row["status"] in ("planned", "sending"):
                self._forward(run, row)

    def reverse(self, run: Run) -> None:
        """Undo what is planned to be undone; one that fails does not stop the others."""
        if not run.command.seen.undoing:
            return
        rows = ledger.reversals_seen(run.command) if run.unmoved else None
        if rows is None:
            with self._store.statement() as tx:
                rows = ledger.reverse_work(tx, run.command.case_id)
        for row in rows:
            try:
                self._reverse(run, row)
            except PlatformTrouble as trouble:
                if run.command.attempts < MAX_ATTEMPTS:
                    raise
                self._give_up(run, row, str(trouble))  # people are asked again all the same

    def settle(self, run: Run) -> None:
        """Try once more what a person asked for: what is planned to be undone, then the one action, if it is due."""
        self.reverse(run)
        with self._store.transaction() as tx:
            rows = ledger.forward_again(tx, run.command.ref or "")
        for row in rows:
            self._forward(run, row)

    def _give_up(self, run: Run, row: DictRow, error: str) -> None:
        """A reversal that the platform never answered to is incomplete: it may be retried, and nothing hides that."""
        with run.sending(row["action_id"]) as (step, was):
            sent, facts = ledger.sent(was)
            step.facts += facts
            if sent:
                step.facts += ledger.ended(step.tx, sent, "unknown" if sent["called"] else "refused", error[:300])

    def _forward(self, run: Run, row: DictRow) -> None:
        promised, proven = self._promised(run, row), time.monotonic()
        seen = self._look(row, promised)
        sent = self._send(run, row, seen)
        if sent is None:
            return
        if not sent["called"]:  # it is on its way now: nobody else of us touches the target before the call
            before = self._read(sent) if promised.readable else None
            with self._store.statement("send") as tx:
                ledger.calling(tx, run.command, sent, before)
        if not self._call(run, sent, promised, proven):
            raise EffectStopped()

    def _reverse(self, run: Run, row: DictRow) -> None:
        promised, proven = self._promised(run, row), time.monotonic()
        seen = self._look_back(row, promised)
        sent = self._send(run, row, seen)
        if sent is None:
            return
        if not sent["called"]:
            with self._store.statement() as tx:
                released = ledger.release(tx, sent)
            correction = row["kind"] == "notify_author"
            if not correction and self._settled_without_a_call(run, sent, released, promised):
                return
            with self._store.statement("send_reversal") as tx:
                sent = ledger.calling_back(tx, run.command, sent, None if correction else released["restore"])
        self._call(run, sent, promised, proven)

    def _look(self, row: DictRow, promised: KindManifest) -> Seen | None:
        """Look at the target before the action is on its way, so that both are written down at once.

        None when it has to be done one after the other: it was on its way before, or another of ours is.
        """
        if row["called"] or row["untouched"] is None:
            return None
        at = time.monotonic()
        return Seen(self._read(row) if promised.readable else None, row["untouched"], at)

    def _look_back(self, row: DictRow, promised: KindManifest) -> Seen | None:
        """The same for a reversal; None also when it may end without a call."""
        at = time.monotonic()
        if row["kind"] == "notify_author":
            return None if row["called"] else Seen(None, None, at)
        if row["called"] or row["untouched"] is None or row["shared"] or not promised.readable:
            return None
        return None if self._ends(row, row, self._read(row)) else Seen(row["restore"], row["untouched"], at)

    def _send(self, run: Run, row: DictRow, seen: Seen | None) -> DictRow | None:
        """Put it on its way; wait a moment for another effect on the same target, and give the command back then."""
        for pause in (*BUSY_PAUSES, None):
            try:
                if seen and (alone := self._send_alone(run, row, seen)):
                    return alone
                with run.sending(row["action_id"]) as (step, was):
                    sent, facts = ledger.sent(was)
                    step.facts += facts
                    step.tell()
                    if sent and seen and not sent["called"] and time.monotonic() - seen.at < FRESH_SECONDS:
                        step.tx.name = _name(row)
                        sent = ledger.calling_as_seen(step.tx, run.command, sent, seen)
            except TargetBusy:
                if pause is None:
                    raise
                time.sleep(pause)
                seen = None  # a third party may have come to the target, too
            else:
                return sent
        raise AssertionError("the last try returns or raises")

    def _send_alone(self, run: Run, row: DictRow, seen: Seen) -> DictRow | None:
        """The same without a look before; None where anything is unusual."""
        if not run.unmoved or row["status"] != "planned" or time.monotonic() - seen.at > FRESH_SECONDS:
            return None
        with suppress(MovedOn), self._store.statement() as tx:
            tx.name = _name(row)
            sent = ledger.sent_as_seen(tx, run.command, row, seen)
            run.sent(row["case"], sent["case"])
            return sent
        return None

    def _ends(self, row: DictRow, released: DictRow, now: Any) -> str | None:
        """How a reversal ends without a call; None when one is to be made."""
        if now == released["restore"]:
            return "applied"
        if released["told"] and now != released["left"] and not row["overwrite"]:
            return "conflict"
        return None

    def _settled_without_a_call(self, run: Run, row: DictRow, released: DictRow, promised: KindManifest) -> bool:
        """Whether releasing the hold was all there was to do, or nothing can or may be done."""
        if not released["shared"] and not promised.readable:
            self._end(run, row, "irreversible", "the platform cannot show this effect, so it cannot be undone")
            return True
        end = "applied" if released["shared"] else self._ends(row, released, self._read(row))
        if end == "applied":
            run.later(ledger.left(row, None), "record_reversal")
        if end == "conflict":
            self._end(run, row, "conflict", "somebody else changed this in the meantime; it was not overwritten")
        return end is not None

    def _call(self, run: Run, row: DictRow, promised: KindManifest, proven: float) -> bool:
        """Call the platform once per key; False when the outcome stays unknown. The lease was held after `proven`."""
        platform, receipt = self._platform_of(row["tenant_id"]), None
        forward = row["direction"] == "forward"
        try:
            if row["broke_off"] and promised.guarantee == "none":
                raise EffectUnknown("the run broke off while this was on its way")
            if row["tried_before"] and promised.guarantee == "query":
                receipt = platform.find(row["key"])
                proven = proven if receipt else self._again(run, row, unheard_of=True)
            failpoints.hit("before_call" if forward else "before_reversal_call")
            while not receipt and time.monotonic() - proven > FRESH_SECONDS:
                proven = self._again(run, row, unheard_of=False)
            receipt = receipt or platform.apply(ledger.effect(row), key=row["key"])
            failpoints.hit("after_call" if forward else "after_reversal_call")
        except EffectRefused as refusal:
            self._end(run, row, "refused", str(refusal))
            return True
        except EffectUnknown as trouble:
            if promised.guarantee != "none" and run.command.attempts < MAX_ATTEMPTS:
                raise PlatformTrouble(str(trouble)) from None
            self._end(run, row, "unknown", str(trouble))
            return False
        self._record(run, row, receipt, promised)
        return True

    def _record(self, run: Run, row: DictRow, receipt: Receipt, promised: KindManifest) -> None:
        """Write down that it was applied: at once where a crash would leave that unknown, else with the next commit."""
        name = "record" if row["direction"] == "forward" else "record_reversal"
        run.later(ledger.left(row, receipt), name)
        if promised.guarantee == "none":
            run.write_now()

    def _again(self, run: Run, row: DictRow, *, unheard_of: bool) -> float:
        """Prove once more that this run may call; when that was."""
        proven = time.monotonic()
        with self._store.transaction() as tx:
            ledger.calling_again(tx, run.command, row, unheard_of=unheard_of)
        return proven

    def _end(self, run: Run, row: DictRow, status: str, error: str) -> None:
        with run.step(status if row["direction"] == "forward" else f"{status}_reversal") as step:
            step.facts += ledger.ended(step.tx, row, status, error[:300])

    def _promised(self, run: Run, row: DictRow) -> KindManifest:
        """What the platform promises; one that takes its time is asked behind a claim: till then others may begin."""
        platform = self._platform_of(row["tenant_id"])
        if not platform.quick:
            run.claim()
        try:
            return platform.manifest().get(row["kind"], UNKEPT)
        except EffectUnknown as trouble:
            raise PlatformTrouble(str(trouble)) from None

    def _read(self, row: DictRow) -> Any:
        try:
            return self._platform_of(row["tenant_id"]).read(row["target"]).get(row["aspect"])
        except EffectUnknown as trouble:
            raise PlatformTrouble(str(trouble)) from None


def _name(row: DictRow) -> str:
    return "send" if row["direction"] == "forward" else "send_reversal"
