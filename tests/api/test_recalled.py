"""A desk decides and reverses what it has shown without looking again: what it keeps of a case is what it writes."""

from dataclasses import replace
from typing import Any

import pytest

from api.main import create_app
from hitl.runtime import build
from tests.api.carried import to_end, to_review
from tests.api.conftest import as_, post, served, settings

LOOKS: list[dict[str, Any]] = [{}, {"If-None-Match": '"1"'}]


@pytest.mark.parametrize("held", LOOKS)
@pytest.mark.parametrize("wait", [{}, {"wait": 5, "until": "rest"}])
def test_what_was_shown_is_what_is_decided_and_reversed(
    database_url: str, held: dict[str, str], wait: dict[str, Any]
) -> None:
    runtime = build(settings(), url=database_url)
    app = create_app(runtime)
    with served(app) as client:
        recent = app.state.desk.hub.recent

        def shown(case_id: str) -> Any:
            answer = client.get(f"/status/{case_id}", params=wait, headers={**as_("dev-moderator"), **held})
            assert answer.status_code == 200
            return recent.seen(case_id)

        case_id = post(client)
        review_id = to_review(runtime, case_id)
        seen = shown(case_id)
        marked = [{**seen.row["reviews"][0], "proposed_actions": [{**REMOVE, "target": f"post:{case_id}"}]}]
        recent.see(replace(seen, row={**seen.row, "reviews": marked}))
        decision = {"case_id": case_id, "review_id": review_id, "decision": "approve", "reason": "An insult."}
        assert client.post("/resume", json=decision, headers=as_("dev-moderator")).status_code == 202
        assert recent.seen(case_id) is None
        to_end(runtime, case_id)
        seen = shown(case_id)
        assert [action["kind"] for action in seen.row["actions"]] == ["remove_content"]
        recent.see(replace(seen, row={**seen.row, "actions": [{**seen.row["actions"][0], "params": {"seen": True}}]}))
        asked = {"case_id": case_id, "reason": "It was a joke."}
        assert client.post("/rollback", json=asked, headers=as_("dev-author")).status_code == 202
        with runtime.store.statement() as tx:
            (reversal,) = tx.all("select params from actions where direction = 'reverse'")
        assert reversal["params"] == {"seen": True}
    runtime.close()


REMOVE = {"kind": "remove_content", "params": {}}
