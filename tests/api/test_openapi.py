"""The OpenAPI says all: every route its codes, its examples, its bodies; and the examples are true."""

from typing import Any

import jsonschema
import pytest

from api.main import create_app

SPEC: dict[str, Any] = create_app().openapi()
OPERATIONS = [(p, m, o) for p, methods in SPEC["paths"].items() for m, o in methods.items()]
ROUTES = {
    "/start": {"202", "400", "401", "403", "409", "413", "415", "422", "503"},
    "/resume": {"202", "400", "401", "403", "404", "409", "413", "415", "422", "503"},
    "/rollback": {"202", "400", "401", "403", "404", "409", "413", "415", "422", "503"},
    "/actions/{action_id}/settle": {"202", "400", "401", "403", "404", "409", "413", "415", "422", "503"},
    "/status/{case_id}": {"200", "304", "401", "404", "422", "429", "503"},
    "/cases": {"200", "401", "422", "503"},
    "/cases/{case_id}": {"200", "401", "404", "422", "503"},
    "/cases/{case_id}/events": {"200", "401", "404", "422", "429", "503"},
    "/events": {"200", "401", "422", "429", "503"},
    "/healthz": {"200"},
    "/readyz": {"200", "503"},
    "/metrics": {"200"},
}
OPEN = {"/healthz", "/readyz", "/metrics"}


def schema_of(content: dict[str, Any]) -> dict[str, Any]:
    """A schema that a validator can follow references in."""
    return {**content["schema"], "components": SPEC["components"]}


def valid(example: Any, content: dict[str, Any]) -> None:
    """Check an example against its schema."""
    jsonschema.Draft202012Validator(schema_of(content), format_checker=jsonschema.FormatChecker()).validate(example)


def test_every_route_lists_its_codes() -> None:
    assert {path: set(op["responses"]) for path, _, op in OPERATIONS} == ROUTES


@pytest.mark.parametrize(("path", "method", "op"), OPERATIONS, ids=lambda v: v if isinstance(v, str) else "")
def test_every_answer_has_a_true_example(path: str, method: str, op: dict[str, Any]) -> None:
    for code, answer in op["responses"].items():
        assert answer["description"]
        for media, content in answer.get("content", {}).items():
            assert media == "application/problem+json" or code in ("200", "202")
            if media.endswith("json"):
                valid(content["example"], content)
        assert code == "304" or answer["content"], f"{method} {path} {code}"


@pytest.mark.parametrize(("path", "method", "op"), OPERATIONS, ids=lambda v: v if isinstance(v, str) else "")
def test_every_body_has_true_examples_and_takes_no_other_fields(path: str, method: str, op: dict[str, Any]) -> None:
    assert ("requestBody" in op) == (method == "post"), path
    for content in op.get("requestBody", {}).get("content", {}).values():
        assert content["examples"]
        for example in content["examples"].values():
            valid(example["value"], content)
            with pytest.raises(jsonschema.ValidationError):
                valid({**example["value"], "surprise": 1}, content)


@pytest.mark.parametrize(("path", "method", "op"), OPERATIONS, ids=lambda v: v if isinstance(v, str) else "")
def test_every_route_says_what_it_does_and_who_may(path: str, method: str, op: dict[str, Any]) -> None:
    assert op["summary"]
    assert op["description"]
    assert ("security" in op) == (path not in OPEN), f"{method} {path}"
    for parameter in op.get("parameters", []):
        assert parameter.get("description"), parameter["name"]


def test_what_is_sent_is_closed() -> None:
    for name, schema in SPEC["components"]["schemas"].items():
        if schema.get("type") == "object" and name != "Problem":
            assert schema["additionalProperties"] is False, name


def test_a_bearer_token_is_what_it_takes() -> None:
    (scheme,) = SPEC["components"]["securitySchemes"].values()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
