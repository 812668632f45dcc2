"""A platform that Guardian acts on: the whole HTTP contract of docs/platforms.md, in the standard library alone.

Run `python examples/platform_server.py --port 9000 --secret whsec_...` and give Guardian
`HITL_PLATFORM_URL=http://127.0.0.1:9000` with the same secret. Put your own forum where the two tables are.
"""

import argparse
import base64
import hashlib
import hmac
import json
import sqlite3
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

# kind: what it is done to, parameters of which it needs one
KINDS: dict[str, tuple[str, set[str]]] = {
    "remove_content": ("post", set()),
    "label_content": ("post", {"label"}),
    "warn_author": ("author", set()),
    "strike_author": ("author", set()),
    "suspend_author": ("author", {"days", "until"}),
    "notify_author": ("author", set()),
}
SAME = ("action_id", "kind", "target", "params", "direction")
TABLES = """
create table if not exists aspects (target text, aspect text, value text, primary key (target, aspect));
create table if not exists actions (key text primary key, number integer, request text, after text);
"""
Answer = tuple[int, dict[str, Any]]


class Platform:
    """What was done to posts and authors, and under which keys."""

    def __init__(self, file: str) -> None:
        self.db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self.db.executescript(TABLES)
        self.one_at_a_time = threading.Lock()

    def state(self, target: str) -> dict[str, Any]:
        """The aspects of a target that something was done to; {} for everything else."""
        with self.one_at_a_time:
            rows = self.db.execute("select aspect, value from aspects where target = ?", (target,)).fetchall()
        return {aspect: json.loads(value) for aspect, value in rows}

    def find(self, key: str) -> Answer:
        """The receipt of an earlier call."""
        with self.one_at_a_time:
            row = self.db.execute("select number, after from actions where key = ?", (key,)).fetchone()
        return (200, receipt(*row)) if row else (404, {"title": "no such key"})

    def act(self, key: str, request: dict[str, Any]) -> Answer:
        """Carry it out, once per key: the effect and its key are written in one transaction, or neither."""
        on, needs = KINDS.get(request["kind"], ("", set()))
        if request["target"].partition(":")[0] != on or (needs and not needs & request["params"].keys()):
            return 422, {"title": "unknown kind, wrong target or missing parameter"}
        with self.one_at_a_time, self.db:
            self.db.execute("begin immediate")
            row = self.db.execute("select number, after, request from actions where key = ?", (key,)).fetchone()
            if row:
                same = all(json.loads(row[2])[part] == request[part] for part in SAME)
                return (200, receipt(*row[:2])) if same else (422, {"title": "this key was used for another action"})
            return 200, self._carry_out(key, request)

    def _carry_out(self, key: str, request: dict[str, Any]) -> dict[str, Any]:
        kind, target, after = request["kind"], request["target"], request["before"]
        if request["direction"] == "forward":
            after = {**request["params"], "in_force": True}
        if kind == "notify_author":
            after = None  # send the message here; when direction is "reverse", a correction
        self.db.execute("delete from aspects where target = ? and aspect = ?", (target, aspect(request)))
        if after is not None:
            self.db.execute("insert into aspects values (?, ?, ?)", (target, aspect(request), json.dumps(after)))
        self.db.execute(
            "insert into actions select ?, count(*) + 1, ?, ? from actions",
            (key, json.dumps(request), json.dumps(after)),
        )
        row = self.db.execute("select number, after from actions where key = ?", (key,)).fetchone()
        return receipt(*row)


def aspect(request: dict[str, Any]) -> str:
    """The one entry of the target's state that this action changes; a reversal changes the same one back."""
    if request["kind"] == "label_content":
        return f"label_content:{request['params']['label']}"
    if request["kind"] in ("remove_content", "suspend_author"):
        return str(request["kind"])
    return f"{request['kind']}:{request.get('reverses') or request['action_id']}"


def receipt(number: int, after: str) -> dict[str, Any]:
    """What Guardian wants back: a reference of ours, and the aspect's value now."""
    return {"reference": f"action-{number}", "after": json.loads(after)}


def signed(secret: bytes, headers: Any, subject: str, body: bytes) -> bool:
    """Check the Standard Webhooks signature, and that its id belongs to this key (POST) or this path (GET)."""
    message, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not sent.isascii() or not sent.isdigit() or abs(time.time() - int(sent[:12])) > 300:
        return False
    digest = hmac.digest(secret, f"{message}.{sent}.".encode() + body, "sha256")
    ours = b"v1," + base64.b64encode(digest)
    genuine = any(hmac.compare_digest(ours, given.encode()) for given in headers.get("webhook-signature", "").split())
    return genuine and message == "msg_" + hashlib.sha256(subject.encode()).hexdigest()[:32]


class Handler(BaseHTTPRequestHandler):
    """Four routes; names in paths are percent-encoded as a whole, slashes too."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together: apart they cost 40 ms per answer
    platform: Platform
    secret: bytes | None = None

    def do_GET(self) -> None:
        """Answer /manifest, /targets/{target} and /actions/{key}."""
        _, _, route = self.path.partition("/")
        what, _, name = route.partition("/")
        if self.secret and not signed(self.secret, self.headers, f"GET {self.path}", b""):
            self._answer(401, {"title": "wrong signature"})
        elif route == "manifest":
            self._answer(200, {k: {"guarantee": "key", "readable": k != "notify_author"} for k in KINDS})
        elif what == "targets":
            self._answer(200, self.platform.state(unquote(name)))
        else:
            self._answer(
                *(self.platform.find(unquote(name)) if what == "actions" else (404, {"title": "no such page"}))
            )

    def do_POST(self) -> None:
        """Answer /actions."""
        length, key = self.headers.get("Content-Length", ""), self.headers.get("Idempotency-Key", "")
        if not length.isdigit() or int(length) > 65536:
            self.close_connection = True
            return self._answer(413, {"title": "a body of at most 64 kB, with its length"})
        body = self.rfile.read(int(length))
        if self.secret and not signed(self.secret, self.headers, key, body):
            return self._answer(401, {"title": "wrong signature"})
        try:
            answer = self.platform.act(key, json.loads(body)) if key and self.path == "/actions" else None
        except (ValueError, KeyError, TypeError, AttributeError):
            return self._answer(400, {"title": "not an action as the contract describes it"})
        return self._answer(*(answer or (404, {"title": "POST /actions, with an Idempotency-Key"})))

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        sent = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Write no log: targets name people."""


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A platform for Guardian to act on.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--secret", help="whsec_ and 24 to 64 random bytes in base64; without it nothing is checked")
    parser.add_argument("--file", default=":memory:", help="where to keep the state; forgotten at the end without it")
    given = parser.parse_args()
    Handler.platform = Platform(given.file)
    Handler.secret = base64.b64decode(given.secret.removeprefix("whsec_")) if given.secret else None
    server = ThreadingHTTPServer((given.host, given.port), Handler)
    sys.stdout.write(f"Listening on http://{given.host}:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
