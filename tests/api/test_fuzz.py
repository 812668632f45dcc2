"""Schemathesis over the whole OpenAPI, for every role and none: documented answers only, and never a 500."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from api.main import create_app
from hitl.directory import digest
from hitl.runtime import Runtime, build
from hitl.store import workers
from tests.api.carried import to_end, to_review
from tests.api.conftest import as_, post
from tests.api.conftest import settings as of
from tests.graphs.house import SERVED
from tests.services.postgres import Databases

ROLES = ["author", "service", "moderator", "supervisor", "admin", "nobody"]
EXAMPLES = 15
TRIED = [
    (path, method, mode)
    for path, methods in create_app().openapi()["paths"].items()
    for method, operation in methods.items()
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or "parameters" in operation  # there is no wrong way to ask without any
]
BRIEF = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
    phases=[Phase.generate],
)
# What a schema cannot say: policies, graphs and actions that are not there, texts that a decision needs, a size.
MEANT = {"policy", "policies", "graph", "actions", "reason", "response", "author_id", "context"}


@dataclass
class Fuzzed:
    """A desk under fuzz, and things in it that are there."""

    schema: Any
    real: list[dict[str, str]]


def there(desk: TestClient, runtime: Runtime, steps: int) -> dict[str, str]:
    """A case that came so many steps far: waiting, decided, carried out, appealed, waiting once more."""
    case_id = post(desk, "author", content_id=f"post-{steps}")
    found = {"case_id": case_id, "review_id": to_review(runtime, case_id)}
    if steps > 0:
        body = {**found, "decision": "approve", "reason": "Rude.", "private_note": "Twice already."}
        assert desk.post("/resume", json=body, headers=as_("moderator")).status_code == 202
    if steps > 1:
        to_end(runtime, case_id)
    if steps > 2:
        body = {"case_id": case_id, "reason": "Please look again."}
        assert desk.post("/rollback", json=body, headers=as_("author")).status_code == 202
    if steps > 3:
        found["review_id"] = to_review(runtime, case_id)
    return found


def bare(app: ASGIApp) -> ASGIApp:
    """The app without its lifespan, which schemathesis would go through for each request."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await app(scope, receive, send)
            return
        for word in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{word}.complete"})

    return answer


@pytest.fixture(scope="module")
def fuzzed(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    """A desk with a token per role, named like it, and one case that waits for people."""
    tokens: Path = tmp_path_factory.mktemp("tokens") / "tokens.json"
    people = [{"sha256": digest(role), "person": role, "roles": [role], "tenant": "default"} for role in ROLES[:-1]]
    tokens.write_text(json.dumps(people))
    with databases.fresh() as url:
        runtime = build(of(tokens=tokens), url=url)
        app = create_app(runtime)
        schema = schemathesis.openapi.from_asgi("/openapi.json", bare(app))
        desk = TestClient(app)
        real = [there(desk, runtime, steps) for steps in range(5)]
        with runtime.store.transaction() as tx:  # a worker that lives for longer than this module
            workers.beat(tx, "worker-1", serves=[SERVED], relay=True)
            tx.execute("update workers set seen_at = now() + interval '1 hour'")
        yield Fuzzed(schema, real)
        runtime.close()


def aimed(case: Any, real: dict[str, str]) -> Any:
    """The same request, aimed at what is there."""
    if "case_id" in case.path_parameters:
        case.path_parameters["case_id"] = real["case_id"]
    if isinstance(case.body, dict):
        case.body.update({name: value for name, value in real.items() if name in case.body})
    return case


def excluded(response: Any) -> list[Any]:
    """A request may fit its schema and still be wrong in what it means."""
    problem = response.json() if response.status_code == 422 else {}
    meant = any(e["field"].split(".")[0] in MEANT or "u0000" in e["detail"] for e in problem.get("errors", []))
    return [positive_data_acceptance] if meant or "idempotency" in problem.get("type", "") else []


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("path", "method", "mode"), TRIED, ids=lambda v: getattr(v, "name", v))
def test_only_documented_answers(fuzzed: Fuzzed, path: str, method: str, role: str, mode: GenerationMode) -> None:
    operation = fuzzed.schema[path][method]

    @BRIEF
    @given(case=operation.as_strategy(generation_mode=mode), target=st.integers(-3, 4))
    def run(case: Any, target: int) -> None:
        if target >= 0 and mode is GenerationMode.POSITIVE:
            case = aimed(case, fuzzed.real[target])
        headers = {"Authorization": f"Bearer {role}"}
        response = case.call(headers=headers)
        case.validate_response(response, headers=headers, excluded_checks=excluded(response))
        if role == "nobody" and "security" in operation.definition.raw:
            assert response.status_code == 401

    run()
