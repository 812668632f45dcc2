"""How a case looks in a terminal."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hitl.cli import output

COLORS = {"waiting_review": "yellow", "failed": "red", "needs_migration": "red", "completed": "green"}
ACTION = ("action", "on", "round", "direction", "status", "error")


def color(case: Mapping[str, Any]) -> str:
    """What a glance should tell."""
    return "red" if case["needs_attention"] else COLORS.get(case["status"], "cyan")


def row(case: Mapping[str, Any]) -> tuple[object, ...]:
    """A case in a list."""
    flag = " !" if case["needs_attention"] else ""
    return (
        case["case_id"],
        f"{case['status']}{flag}",
        case["outcome"],
        case["round"],
        case["content_id"],
        case["author_id"],
        verdict(case),
        when(case["updated_at"]),
    )


def verdict(case: Mapping[str, Any]) -> str:
    """The policies found, worst first, or why there are none."""
    found = case["verdict"]
    if not found:
        return ""
    if found["unavailable"]:
        return "unavailable"
    ranked = sorted(found["categories"], key=lambda c: (-c["severity"], -c.get("confidence", 0)))
    return ", ".join(f"{c['policy']} {c['severity']}" for c in ranked if c["severity"]) or "clean"


def when(at: str | None) -> str:
    """A time, to the second."""
    return datetime.fromisoformat(at).strftime("%Y-%m-%d %H:%M:%S") if at else ""


def event(found: Mapping[str, Any]) -> tuple[object, ...]:
    """An event in a list."""
    change = f"{found['before'] or ''} → {found['after']}" if found["after"] else ""
    actor = f"{found['actor']['kind']} {found['actor']['id']}"
    return found["seq"], when(found["at"]), found["type"], actor, change, json.dumps(found["data"], default=str)


def draw(case: Mapping[str, Any]) -> None:
    """A case as a whole."""
    facts = [*_facts(case), *_review(case), *_decision(case), *_appeal(case)]
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        if value not in (None, ""):
            output.say(f"{name.ljust(width)}  {output.clean(value)}", color(case) if name == "status" else "")
    if case["actions"]:
        output.say("")
        output.table(ACTION, [_action(a) for a in case["actions"]])


def _facts(case: Mapping[str, Any]) -> list[tuple[str, Any]]:
    flag = " - needs attention" if case["needs_attention"] else ""
    found = case["verdict"] or {}
    error = case["error"] or {}
    return [
        ("case", case["case_id"]),
        ("status", f"{case['status']}{flag}"),
        ("outcome", case["outcome"]),
        ("error", ": ".join(str(v) for v in error.values())),
        ("content", case["content_id"]),
        ("author", case["author_id"]),
        ("text", case.get("content")),
        ("context", json.dumps(case["context"]) if case.get("context") else None),
        ("graph", f"{case['graph']} {case['graph_version']}, policy {case['policy']} {case['policy_version']}"),
        ("version", case["version"]),
        ("updated", when(case["updated_at"])),
        ("verdict", verdict(case)),
        ("rationale", found.get("rationale")),
        ("analyzer", found.get("analyzer")),
    ]


def _review(case: Mapping[str, Any]) -> list[tuple[str, Any]]:
    found = case["review"]
    if not found:
        return []
    choices = "; ".join(choice["label"] for choice in found["choices"])
    state = f"round {found['round']}, level {found['level']}: {found['status']}"
    return [("review", f"{found['review_id']} ({state})"), ("choices", choices)]


def _decision(case: Mapping[str, Any]) -> list[tuple[str, Any]]:
    found = case["decision"]
    if not found:
        return []
    by = f"{found['decision']} by {found['by']} at {when(found['at'])}"
    return [("decision", by), ("reason", found["reason"]), ("note", found.get("private_note"))]


def _appeal(case: Mapping[str, Any]) -> list[tuple[str, Any]]:
    found = case["appeal"]
    return [("appeal", f"{found['kind']} by {found['by']}: {found['reason']}")] if found else []


def _action(found: Mapping[str, Any]) -> tuple[object, ...]:
    direction, error = found["direction"], found["error"]
    return found["kind"], found["target"], found["round"], direction, found["status"], error
