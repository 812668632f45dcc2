"""Groq's chat completions, as the real client meets them: good answers and every way to fail."""

import json
from collections import deque
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.fakes.http import Answer, FakeServer, Request, send

PATH = "/openai/v1/chat/completions"


class FakeGroq(FakeServer):
    """Answers with `replies` in their order, then with `default` for ever."""

    def __init__(self, default: Answer | None = None) -> None:
        super().__init__()
        self.replies: deque[Answer] = deque()
        self.default = default or verdict()

    @property
    def asked(self) -> list[dict[str, Any]]:
        """The bodies of the requests for a completion."""
        return [json.loads(r.body) for r in self.requests if r.path == PATH]

    def answer(self, request: Request, to: BaseHTTPRequestHandler) -> None:
        """The next reply; another path is a 404, so that a wrong base URL shows."""
        if request.path != PATH:
            send(to, 404, _error("Unknown request URL", "unknown_url"))
            return
        reply = self.replies.popleft() if self.replies else self.default
        reply(request, to)

    def hang(self) -> Answer:
        """Accept the request and say nothing until the server closes."""

        def reply(_: Request, to: BaseHTTPRequestHandler) -> None:
            self.closing.wait()
            to.close_connection = True

        return reply

    def drip(self) -> Answer:
        """Begin a good answer and let a space drip in ever so often, for ever: no read of a client's times out."""

        def reply(_: Request, to: BaseHTTPRequestHandler) -> None:
            to.send_response(200)
            to.send_header("Content-Type", "application/json")
            to.send_header("Content-Length", "1000000")
            to.end_headers()
            while not self.closing.wait(0.02):
                to.wfile.write(b" ")
                to.wfile.flush()
            to.close_connection = True

        return reply


def finding(policy: str = "harassment", severity: Any = 2, confidence: Any = 0.8, *quotes: str) -> dict[str, Any]:
    """One finding, as the model writes it."""
    return {"policy": policy, "severity": severity, "confidence": confidence, "quotes": list(quotes)}


def verdict(
    *findings: dict[str, Any], rationale: str = "As asked.", addresses_reader: bool = False, **more: Any
) -> Answer:
    """An answer within the schema, unless `more` breaks it."""
    said = {"findings": list(findings), "addresses_reader": addresses_reader, "rationale": rationale, **more}
    return arguments(json.dumps(said))


def arguments(text: str, **options: Any) -> Answer:
    """The forced tool call with these arguments, or (when a schema was asked for) the same as content."""

    def reply(request: Request, to: BaseHTTPRequestHandler) -> None:
        asked = json.loads(request.body)
        if "tools" not in asked:
            return message({"content": text}, **options)(request, to)
        call = {"name": asked["tools"][0]["function"]["name"], "arguments": text}
        calls = [{"id": "call_1", "type": "function", "function": call}]
        return message({"tool_calls": calls}, **{"finish": "tool_calls", **options})(request, to)

    return reply


def message(part: dict[str, Any], finish: str = "stop", *, choices: bool = True) -> Answer:
    """A completion that holds this message."""

    def reply(request: Request, to: BaseHTTPRequestHandler) -> None:
        send(to, 200, json.dumps(_completion(request, part, finish, choices)).encode())

    return reply


def status(code: int, slug: str = "internal_error", **headers: str) -> Answer:
    """An error of Groq's; underscores in header names become dashes."""

    def reply(_: Request, to: BaseHTTPRequestHandler) -> None:
        send(
            to, code, _error("Something about the request", slug), {k.replace("_", "-"): v for k, v in headers.items()}
        )

    return reply


def raw(body: bytes, *, promised: int | None = None) -> Answer:
    """These bytes as a 200; with `promised` more than that many, the connection ends too early."""

    def reply(_: Request, to: BaseHTTPRequestHandler) -> None:
        # said, so that no client sends its next request into a line that is being closed
        send(to, 200, body, {"Content-Length": str(promised or len(body)), "Connection": "close"})
        to.close_connection = True

    return reply


def _completion(request: Request, part: dict[str, Any], finish: str, choices: bool) -> dict[str, Any]:
    said = {"role": "assistant", "content": None, **part}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": json.loads(request.body)["model"],
        "choices": [{"index": 0, "message": said, "finish_reason": finish, "logprobs": None}] if choices else [],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
        "x_groq": {"id": "req_1"},
    }


def _error(text: str, slug: str) -> bytes:
    return json.dumps({"error": {"message": text, "type": "invalid_request_error", "code": slug}}).encode()
