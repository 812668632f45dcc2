"""The demo page, its posts, and the forum as its readers see it."""

import base64
import hashlib
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from api import answers
from api.auth import foreign
from api.desk import TheDesk
from api.errors import Problem
from hitl.platforms import standing
from hitl.store import views
from hitl.store.forum import Forum

router = APIRouter(include_in_schema=False)
PLACES = (Path(__file__).parent.parent, Path(__file__).parent / "pages")  # of a checkout, and of a wheel
INLINE = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
POSTS = 100
MESSAGES = 20
TENANT = "default"


@router.get("/demo")
def get_demo() -> Response:
    """The page; only its own scripts run in it."""
    page = _file("demo.html").decode()
    return HTMLResponse(page, headers={"Content-Security-Policy": _policy(page), "Cache-Control": "no-cache"})


@router.get("/demo/posts.jsonl")
def get_posts() -> Response:
    """Forty mild posts to look at."""
    return Response(_file("examples/posts.jsonl"), media_type="application/jsonl")


@router.get("/demo/forum")
def get_forum(request: Request, desk: TheDesk) -> Response:
    """The newest posts and their authors on the embedded forum; on this machine, with development tokens, alone."""
    if not desk.runtime.people.dev or foreign(request) or desk.runtime.settings.platform_url:
        raise Problem(404, "not-found", "The demo forum is shown only on this machine, with development tokens.")
    with desk.runtime.store.statement() as tx:
        posts = views.forum(tx, TENANT, POSTS)
    forum = desk.runtime.forum
    authors = sorted({p["author_id"] for p in posts})
    states = forum.states(TENANT, [f"post:{p['content_id']}" for p in posts])
    return answers.json(
        {
            "posts": [_post(p, states[f"post:{p['content_id']}"]) for p in posts],
            "authors": {author: _author(forum, author) for author in authors},
        }
    )


def _post(row: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    shown = standing.post(state)
    return {**row, "removed": not shown["visible"], "labels": shown["labels"]}


def _author(forum: Forum, author_id: str) -> dict[str, Any]:
    target = f"author:{author_id}"
    inbox = [{"kind": m["kind"], "text": _text(m), "at": m["at"]} for m in forum.inbox(TENANT, target, limit=MESSAGES)]
    return {**standing.author(*forum.state(TENANT, target)), "inbox": inbox}


TEXTS = {
    "notice": "A moderator decided about your post.",
    "warning": "You were warned about your post.",
    "strike": "You got a strike for your post.",
    "suspension": "Your account is suspended.",
    "correction": "An earlier message to you no longer holds: the decision behind it was reversed.",
}


def _text(message: dict[str, Any]) -> str:
    days = message["params"].get("days")
    return TEXTS[message["kind"]] + (f" It lasts {days} days." if days and message["kind"] == "suspension" else "")


def _file(name: str) -> bytes:
    for place in PLACES:
        with suppress(OSError):
            return (place / name).read_bytes()
    raise Problem(404, "not-found", f"{name} is not part of this installation.")


def _policy(page: str) -> str:
    hashes = " ".join(f"'sha256-{_hash(script)}'" for script in INLINE.findall(page)) or "'none'"
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
