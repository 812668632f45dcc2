"""What a claim brings along is what looks at it would say, in whatever state a test has brought the case."""

from dataclasses import replace
from typing import Any

from hitl.domain.commands import Command
from hitl.store import calls, cases, reviews
from hitl.store.checkpoints import FencedSaver
from hitl.store.postgres import DictRow, Store


def checked(store: Store, command: Command) -> Command:
    """The same command."""
    seen = command.seen
    if seen.case is None:
        assert (seen.checkpoint, seen.work, seen.follows) == (None, None, None)
        return command
    with store.transaction() as tx:
        tx.execute("set transaction isolation level repeatable read")
        case = cases.get(tx, command.case_id)
        if case.version != seen.case.version:
            return command  # others were faster than this look, in a test that lets them race
        assert replace(seen.case, updated_at=case.updated_at) == case  # a claim may have told of its beginning
        if seen.follows is not None:
            basis = command.kind == "rollback"
            look = reviews.basis(tx, case.case_id) if basis else {**reviews.end(tx, case.case_id), "analysis": None}
            assert _sorted(seen.follows) == _sorted(look)
        if seen.work is not None:
            found = calls.reversals_due(tx, case.case_id)
            if command.kind == "resume":
                _, found = calls.of_decision(tx, command.ref or "")
            assert [_timeless(row) for row in seen.work] == [_timeless(row) for row in found]
    assert (command.kind == "start") == (seen.work is None)
    _same_checkpoint(store, command)
    return command


def _same_checkpoint(store: Store, command: Command) -> None:
    """Read by the saver from what was brought, and by itself."""
    saver = FencedSaver(store.pool)
    saver.carry(command)
    brought, looked_for = _read(saver, command), _read(saver, command)
    assert brought == looked_for


def _read(saver: FencedSaver, command: Command) -> Any:
    """The checkpoint; in what way it cannot be read, where a test has spoiled it."""
    try:
        return saver.get_tuple({"configurable": {"thread_id": command.case_id, "checkpoint_ns": ""}})
    except Exception as trouble:  # noqa: BLE001
        return type(trouble)


def _sorted(follows: DictRow) -> DictRow:
    lists: DictRow = {name: sorted(follows[name]) for name in ("opened", "involved") if name in follows}
    return {**follows, **lists, "actions": sorted(follows["actions"], key=lambda one: str(one["action_id"]))}


def _timeless(row: DictRow) -> DictRow:
    """A row without its times, which are texts in what is brought, and nobody reads them; nor the decision's digest."""
    return {name: value for name, value in row.items() if not name.endswith("_at") and name != "decided"}
