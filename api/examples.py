"""One post's story, for the API's pages: every example is an answer that was once given."""

from typing import Any

CASE_ID = "019aa51c-7d7e-7c9a-9d6f-0d6a3f2b9c11"
REVIEW_ID = "019aa51c-80f2-7b1e-8b52-6c1d1f1f7a02"
DECISION_ID = "019aa51d-1b0c-7f54-a0a4-3f6f7a1f5b03"
ACTION_ID = "019aa51d-1b0d-7a11-9f7e-8a0c2d3e4f04"
AT = "2026-11-21T09:30:00.120000+00:00"

START: dict[str, Any] = {
    "a post": {"content": "You are an idiot and everybody here knows it.", "content_id": "post-1138"},
    "for somebody else, urgent": {
        "content": "Lovely weather today.",
        "author_id": "user-42",
        "context": {"thread": "weather"},
        "priority": 9,
    },
}
STARTED = {"case_id": CASE_ID, "status": "received", "version": 1, "status_url": f"/status/{CASE_ID}"}

REMOVE = {"kind": "remove_content", "target": "post:post-1138", "params": {}}
RESUME: dict[str, Any] = {
    "remove the post": {
        "case_id": CASE_ID,
        "review_id": REVIEW_ID,
        "decision": "approve",
        "reason": "This insults another member.",
    },
    "only a label": {
        "case_id": CASE_ID,
        "review_id": REVIEW_ID,
        "decision": "edit",
        "actions": [{"kind": "label_content", "params": {"label": "rude"}}],
        "reason": "Rude, but part of the discussion.",
    },
    "keep the post": {"case_id": CASE_ID, "review_id": REVIEW_ID, "decision": "reject"},
}
DECIDED = {
    "case_id": CASE_ID,
    "review_id": REVIEW_ID,
    "decision_id": DECISION_ID,
    "status": "executing",
    "version": 4,
}
ROLLBACK: dict[str, Any] = {
    "an appeal": {"case_id": CASE_ID, "reason": "I was quoting somebody who insulted me; please look again."}
}
ROLLING_BACK = {"case_id": CASE_ID, "status": "rolling_back", "version": 9}
SETTLE: dict[str, Any] = {
    "it did happen": {"outcome": "happened", "reason": "The post is gone from the forum; I looked."},
    "try again": {"outcome": "retry", "reason": "The platform was down and is back."},
}
SETTLED = {"action_id": ACTION_ID, "case_id": CASE_ID, "status": "executing", "version": 10}

REVIEW: dict[str, Any] = {
    "review_id": REVIEW_ID,
    "round": 1,
    "level": 1,
    "status": "open",
    "choices": [
        {"decision": "approve", "label": "Remove the post", "effects": ["Remove the post"]},
        {"decision": "edit", "label": "Choose other actions", "effects": []},
        {"decision": "reject", "label": "Keep the post", "effects": []},
    ],
    "form": {},
    "proposed_actions": [REMOVE],
    "allowed_actions": ["label_content", "notify_author", "remove_content", "warn_author"],
    "deadline_at": "2026-11-24T09:30:00.120000+00:00",
    "quorum": 1,
    "votes": [],
}
CASE: dict[str, Any] = {
    "case_id": CASE_ID,
    "status": "waiting_review",
    "outcome": None,
    "needs_attention": False,
    "version": 3,
    "content_id": "post-1138",
    "author_id": "dev-author",
    "graph": "moderation",
    "graph_version": "2",
    "policy": "default",
    "policy_version": "1",
    "round": 1,
    "priority": 5,
    "supersedes": None,
    "verdict": {
        "suspect": True,
        "unavailable": False,
        "sampled": False,
        "sensitive": False,
        "urgency": 0,
        "categories": [
            {"policy": "harassment", "severity": 2, "confidence": 0.93, "evidence": [{"start": 0, "end": 16}]}
        ],
        "rationale": "Insulting words weigh most.",
        "to_people": None,
        "analyzer": "local-1",
    },
    "review": REVIEW,
    "reviews": [REVIEW],
    "decision": None,
    "actions": [],
    "appeal": None,
    "error": None,
    "created_at": AT,
    "updated_at": AT,
}
WHOLE = {
    **CASE,
    "content": START["a post"]["content"],
    "context": {},
    "target_state": {"post": {}, "author": {}},
}
PAGE = {"cases": [CASE], "next_cursor": None}
EVENT: dict[str, Any] = {
    "seq": 1,
    "type": "case_received",
    "at": AT,
    "actor": {"kind": "person", "id": "dev-author"},
    "before": None,
    "after": "received",
    "data": {"graph": "moderation", "priority": 5, "characters": 45},
}
EVENTS = {"events": [EVENT], "next_cursor": None}
ALL_EVENTS = {"events": [{**EVENT, "case_id": CASE_ID}], "next_cursor": f"7421.{CASE_ID}.1"}
METRICS = """# HELP hitl_reviews_waiting Reviews that wait for people.
# TYPE hitl_reviews_waiting gauge
hitl_reviews_waiting 3.0
"""


def _problem(status: int, slug: str, detail: str, **facts: Any) -> dict[str, Any]:
    title = slug.replace("-", " ").capitalize()
    head = {"type": f"/problems/{slug}", "title": title, "status": status, "detail": detail}
    return {**head, "instance": "/resume", **facts}


PROBLEMS: dict[int, dict[str, Any]] = {
    400: _problem(400, "malformed", "The body is not JSON: Expecting value."),
    401: _problem(401, "unauthorized", "Send Authorization: Bearer <token>."),
    403: _problem(403, "forbidden", "This takes the role moderator; you have author."),
    404: _problem(404, "not-found", "There is no such case, or it is not yours to see."),
    409: _problem(
        409,
        "stale-review",
        f"This review was decided by dev-moderator at {AT}.",
        review_status="decided",
        decided_by="dev-moderator",
        decided_at=AT,
    ),
    413: _problem(413, "too-large", "The body is larger than 262144 bytes."),
    415: _problem(415, "unsupported-media-type", "Send JSON with Content-Type: application/json."),
    422: _problem(
        422, "invalid", "reasn: there is no such field", errors=[{"field": "reasn", "detail": "there is no such field"}]
    ),
    429: _problem(429, "too-many-waiting", "Too many requests wait here already."),
    503: _problem(503, "unavailable", "The database cannot be reached; nothing was recorded."),
}
