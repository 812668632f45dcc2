"""The real LangSmith client against a local server: what leaves this machine, byte by byte."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any, TypedDict

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from hitl.analyzers.chat_model import ChatModelAnalyzer
from hitl.domain.verdicts import Post
from hitl.telemetry import tracing
from tests.fakes.groq import FakeGroq, finding, verdict
from tests.fakes.langsmith import FakeLangSmith
from tests.policies import default_policies
from tests.services.ports import free_port

CANARY = "sesquipedalian-marmot"
CASE, COMMAND = "0198c0de-0000-7000-8000-00000000cafe", 4711
SECRETS = ("gsk_canary_key", "very-secret-handle")

PRELUDE = """
import threading
from langchain_core.runnables import RunnableLambda
from langchain_core.tracers.langchain import wait_for_all_tracers
from hitl.telemetry import tracing
"""
RUN = 'RunnableLambda(lambda x: x).invoke("hello")'


class State(TypedDict, total=False):
    content: str
    rationale: str
    decision: str


@pytest.fixture(params=[True, False], ids=["zstd", "plain"])
def langsmith(request: pytest.FixtureRequest) -> Iterator[FakeLangSmith]:
    with FakeLangSmith(zstd=request.param) as server:
        yield server


@pytest.fixture
def groq() -> Iterator[FakeGroq]:
    with FakeGroq(verdict(finding("harassment", 2, 0.9, CANARY), rationale=f"Says {CANARY}.")) as server:
        yield server


@pytest.fixture(autouse=True)
def untraced_afterwards() -> Iterator[None]:
    yield
    tracing.shutdown(1.0)


def _run(groq: FakeGroq) -> None:
    """Ask the model, pause with the post in the interrupt, resume, and break with the post in the error."""
    with closing(ChatModelAnalyzer(api_key=SECRETS[0], base_url=groq.url)) as analyzer:
        graph = _graph(analyzer)
        config: Any = {
            "configurable": {"thread_id": CASE},
            **tracing.run_config(case_id=CASE, command_id=COMMAND, graph="moderation", version="1", kind="start"),
        }
        paused = graph.invoke({"content": CANARY}, config)
        assert CANARY in str(paused["__interrupt__"])
        with pytest.raises(ValueError, match=CANARY):
            graph.invoke(Command(resume=CANARY), config)


def _graph(analyzer: ChatModelAnalyzer) -> Any:
    def analyze(state: State) -> State:
        return {"rationale": analyzer.analyze(Post(state["content"]), default_policies()).rationale}

    def review(state: State) -> State:
        return {"decision": interrupt({"content": state["content"]})}

    def execute(state: State) -> State:
        raise ValueError(state["content"])

    builder = StateGraph(State)
    for name, node in (("analyze", analyze), ("review", review), ("execute", execute)):
        builder.add_node(name, node)
    builder.add_edge(START, "analyze")
    builder.add_edge("analyze", "review")
    builder.add_edge("review", "execute")
    builder.add_edge("execute", END)
    return builder.compile(checkpointer=InMemorySaver())


def _python(program: str, env: dict[str, str] | None = None) -> str:
    """What a process of its own prints: the client reads its environment once."""
    command = [sys.executable, "-c", PRELUDE + program]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=True).stdout


def _trace_to(url: str, *, content: bool = False) -> bool:
    return tracing.configure(enabled=True, api_key="ls_key", endpoint=url, project="tests", content=content)


def test_traces_name_case_and_command_and_hold_nothing_that_people_wrote(
    langsmith: FakeLangSmith, groq: FakeGroq
) -> None:
    assert _trace_to(langsmith.url)
    _run(groq)
    tracing.flush(10)
    told = langsmith.captured
    assert len(groq.asked) == 1
    for found in (CASE, str(COMMAND), "moderation:start", "command_id", "ChatGroq", "GraphInterrupt", "ls_key"):
        assert found in told
    assert told.count(CASE) >= 5
    calls = {name for name, body in langsmith.parts.items() if '"run_type":"llm"' in body}
    assert any(f'"case_id":"{CASE}"' in langsmith.parts.get(f"{call}.extra", "") for call in calls)
    assert ("'content-encoding': 'zstd'" in told) == langsmith.compresses
    for hidden in (CANARY, *SECRETS):
        assert hidden not in told


def test_content_goes_only_when_asked_for(langsmith: FakeLangSmith, groq: FakeGroq) -> None:
    _trace_to(langsmith.url, content=True)
    _run(groq)
    tracing.flush(10)
    assert CANARY in langsmith.captured
    assert SECRETS[0] not in langsmith.captured


@pytest.mark.parametrize("decided", [True, False])
def test_off_means_no_request_whatever_the_environment_says(decided: bool) -> None:
    decide = 'assert not tracing.configure(enabled=False, api_key="k")' if decided else ""
    with FakeLangSmith() as server:
        asked_for = {"LANGSMITH_TRACING": "true", "LANGSMITH_ENDPOINT": server.url, "LANGSMITH_API_KEY": "k"}
        _python(f"{decide}\n{RUN}\nwait_for_all_tracers()", env={**os.environ, **asked_for})
        assert bool(server.requests) is not decided


def test_a_run_that_is_not_traced_carries_nothing_for_traces() -> None:
    assert tracing.run_config(case_id=CASE, command_id=COMMAND, graph="moderation", version="1", kind="start") == {}


def test_without_a_key_nothing_is_traced(langsmith: FakeLangSmith, groq: FakeGroq) -> None:
    assert not tracing.configure(enabled=True, api_key=None, endpoint=langsmith.url)
    _run(groq)
    assert langsmith.requests == []


def test_a_dead_endpoint_changes_nothing_for_a_run(groq: FakeGroq) -> None:
    _trace_to(f"http://127.0.0.1:{free_port()}")
    _run(groq)
    assert len(groq.asked) == 1


def test_an_endpoint_that_hangs_keeps_no_process_alive() -> None:
    with FakeLangSmith(hangs=True) as hung:
        decide = f'tracing.configure(enabled=True, api_key="k", endpoint="{hung.url}")'
        left = "print([t.name for t in threading.enumerate() if not t.daemon])"
        assert _python(f"{decide}\n{RUN}\ntracing.shutdown(0.2)\n{left}") == "['MainThread']\n"


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("GraphInterrupt((Interrupt(value={'content': 'x'}),))Traceback", "GraphInterrupt"),
        ("langgraph.errors.GraphInterrupt('x')", "langgraph.errors.GraphInterrupt"),
        ("1 validation error for Judgment\nrationale\n  x (type=y)", "Error"),
        (f"{CANARY} (oh)", "Error"),
        ("", "Error"),
    ],
)
def test_of_an_error_only_its_type_is_left(told: str, kept: str) -> None:
    assert tracing.scrub({"error": told}) == {"error": kept}
