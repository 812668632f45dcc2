"""The witness: a platform (docs/platforms.md) that writes down what was truly applied, and misbehaves on request.

Per kind it keeps one of three promises: `key` (the same key is carried out once), `query` (every call is carried out,
but can be asked about), `none` (every call is carried out, and nobody can ask). At given rates it answers late, drops
the answer after applying, or answers 500 after applying; which call that hits depends on the seed and its key alone.
`POST /orders {kind, direction, does}` says what happens to such calls from now on (orders.py).

`python -m tests.chaos.witness --port 9000 --file applied.jsonl`
"""

import argparse
import json
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

from tests.chaos.orders import Orders
from tests.chaos.records import Records, read

PROMISES = {
    "remove_content": "key",
    "label_content": "query",
    "warn_author": "query",
    "strike_author": "none",
    "suspend_author": "key",
    "notify_author": "none",
}
UNREADABLE = ("notify_author",)
Fault = Literal["stall", "drop", "error"] | None
Answer = tuple[int, dict[str, Any]]


@dataclass(frozen=True)
class Temper:
    """How often (0 to 1) a call meets a fault, and how long a late answer takes."""

    seed: int = 0
    stall: float = 0.0
    drop: float = 0.0
    error: float = 0.0
    stall_seconds: float = 12.0

    def fault(self, key: str, nth: int) -> Fault:
        """What happens to the n-th call with a key."""
        drawn = random.Random(f"{self.seed}:{key}:{nth}").random()
        faults: tuple[tuple[Fault, float], ...] = (("stall", self.stall), ("drop", self.drop), ("error", self.error))
        for fault, rate in faults:
            if drawn < rate:
                return fault
            drawn -= rate
        return None


class Witness:
    """What was applied, in the order in which it was; each line is on the disk before its answer leaves."""

    def __init__(self, file: Path, promises: dict[str, str], temper: Temper, lies: Sequence[str] = ()) -> None:
        self.promises, self.temper, self._lies = promises, temper, lies
        self.orders = Orders()
        self._state: dict[str, dict[str, Any]] = defaultdict(dict)
        self._receipts: dict[str, dict[str, Any]] = {}
        self._calls: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._turns: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._n = 0
        for line in read(file):
            if line["did"] == "applied":
                self._remember(line)
        self._records = Records(file)
        self._records.add({"did": "opened", "manifest": self.manifest(), "temper": vars(temper)})

    def manifest(self) -> dict[str, Any]:
        """What is promised per kind."""
        return {k: {"guarantee": g, "readable": k not in UNREADABLE} for k, g in self.promises.items()}

    def state(self, target: str) -> dict[str, Any]:
        """The aspects of a target that something was done to."""
        with self._lock:
            state = self._state.get(target, {})
            return {a: self.orders.shown(a, v) for a, v in state.items() if v is not None}

    def find(self, key: str) -> Answer:
        """The receipt of a call that was carried out; where nothing is promised nothing is told.

        A call that is under way is waited for: only what never arrived is unknown.
        """
        with self._turn(key):
            receipt = self._receipts.get(key)
        if receipt is None or self.promises[receipt["kind"]] == "none":
            return 404, {"title": "no such key"}
        return 200, {"reference": receipt["reference"], "after": receipt["after"]}

    def act(self, key: str, request: dict[str, Any]) -> tuple[Answer, Fault]:
        """Carry a call out, and say which fault its answer is to suffer."""
        if request["kind"] not in self.promises:
            return (422, {"title": "unknown kind"}), None
        ordered = self.orders.take(request["kind"], request["direction"])
        if ordered == "refuse":
            return (422, {"title": "not here"}), None
        with self._turn(key):
            with self._lock:
                self._calls[key] += 1
                fault = ordered or self.temper.fault(key, self._calls[key])
            receipt = self._apply(key, request, fault)
            if fault == "stall":
                time.sleep(self.temper.stall_seconds)
        return (200, {"reference": receipt["reference"], "after": receipt["after"]}), fault

    def close(self) -> None:
        """Let go of the file."""
        self._records.close()

    def _turn(self, key: str) -> threading.Lock:
        with self._lock:
            return self._turns[key]

    def _apply(self, key: str, request: dict[str, Any], fault: Fault) -> dict[str, Any]:
        with self._lock:
            known = self._receipts.get(key)
            if known and self.promises[request["kind"]] == "key" and request["kind"] not in self._lies:
                self._records.add({"did": "replayed", "key": key, "fault": fault, "at": time.time()})
                return known
            line = {"did": "applied", "n": self._n + 1, "key": key, "at": time.time(), "fault": fault, **_said(request)}
            self._records.add(line)
            return self._remember(line)

    def _remember(self, line: dict[str, Any]) -> dict[str, Any]:
        self._n = line["n"]
        if line["aspect"]:
            self._state[line["target"]][line["aspect"]] = line["after"]
        receipt = {"kind": line["kind"], "reference": f"witness-{line['n']}", "after": line["after"]}
        return self._receipts.setdefault(line["key"], receipt)


def _said(request: dict[str, Any]) -> dict[str, Any]:
    """The call as it came, the aspect that it changes and the aspect's value afterwards."""
    kept = ("action_id", "kind", "target", "params", "direction", "before", "reverses")
    forward = request["direction"] == "forward"
    silent = request["kind"] in UNREADABLE
    after = {**request["params"], "in_force": True} if forward else request["before"]
    return {
        **{name: request[name] for name in kept},
        "aspect": None if silent else _aspect(request),
        "after": None if silent else after,
    }


def _aspect(request: dict[str, Any]) -> str:
    if request["kind"] == "label_content":
        return f"label_content:{request['params']['label']}"
    if request["kind"] in ("remove_content", "suspend_author"):
        return str(request["kind"])
    return f"{request['kind']}:{request['reverses'] or request['action_id']}"


class Handler(BaseHTTPRequestHandler):
    """The four routes of the contract."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together
    witness: Witness

    def do_GET(self) -> None:
        _, _, route = self.path.partition("/")
        what, _, name = route.partition("/")
        if route == "manifest":
            self._answer(200, self.witness.manifest())
        elif what == "targets":
            self._answer(200, self.witness.state(unquote(name)))
        else:
            self._answer(*(self.witness.find(unquote(name)) if what == "actions" else (404, {"title": "no such page"})))

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/orders":
            self._answer(200, self.witness.orders.give(**request))
            return
        answer, fault = self.witness.act(self.headers["Idempotency-Key"], request)
        if fault == "drop":
            self.close_connection = True
        elif fault == "error":
            self._answer(500, {"title": "it was done, but who knows"})
        else:
            self._answer(*answer)

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        sent = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Write no log: the file is the testimony."""

    def handle(self) -> None:
        """Callers that are killed while they wait are no news."""
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True

    def finish(self) -> None:
        """Nor are those that are killed before they have read."""
        with suppress(ConnectionError):
            super().finish()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    parser = argparse.ArgumentParser(description="A platform that tells what was truly done.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--promise", action="append", default=[], metavar="KIND=key|query|none")
    parser.add_argument("--lies", action="append", default=[], metavar="KIND", help="its promise `key` is not kept")
    for name in ("stall", "drop", "error"):
        parser.add_argument(f"--{name}", type=float, default=0.0, metavar="RATE")
    parser.add_argument("--stall-seconds", type=float, default=12.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    temper = Temper(given.seed, given.stall, given.drop, given.error, given.stall_seconds)
    promises = PROMISES | dict(p.split("=") for p in given.promise)
    Handler.witness = Witness(given.file, promises, temper, given.lies)
    Server(("127.0.0.1", given.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
