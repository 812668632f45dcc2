"""Graph versions side by side: a released one keeps its shape, the next takes over, others' graphs run as they are."""

import threading
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypedDict

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from hitl.graphs.moderation import v1
from hitl.graphs.registry import VERSIONS, GraphVersion, fingerprint
from hitl.platforms.embedded import EmbeddedForum
from hitl.store import workers
from hitl.store.forum import Forum
from tests.graphs.golden import dump
from tests.graphs.house import CURRENT, SUPERVISOR, House

RELEASED = {
    "moderation@1": "1d3070de60326f5ff3409e74e8a0f6c887e7cbddaa2336edf25705a6fc8d0133",
    "moderation@2": "eaf6daa85c2a667d097484e0f197524d4fd7674bb5e6ef7450b20d4fc1273f7a",
}


def test_released_versions_keep_their_fingerprints() -> None:
    assert {label: fingerprint(found.build()) for label, found in VERSIONS.items()} == RELEASED


def test_where_a_node_may_jump_to_is_part_of_the_fingerprint() -> None:
    def here(state: "State") -> Command[Literal["asked"]]:
        return Command(goto="asked")

    def there(state: "State") -> Command[Literal["asked", "__end__"]]:
        return Command(goto="asked")

    prints = set()
    for node in (here, there):
        graph = _graph()
        graph.add_node("jumps", node)
        prints.add(fingerprint(graph))
    assert len(prints) == 2


@pytest.mark.parametrize("gate", ["actioned", "second_review"])
def test_a_case_of_the_last_version_is_rolled_back_under_this_one_once_that_is_gone(
    database_url: str, gate: str
) -> None:
    """Its checkpoints are of another shape: that of the last version, finished or paused and then closed."""
    golden = dump.read(next(f for f in dump.files() if f.name == f"{v1.NAME}-{v1.VERSION}.json.gz"))
    dump.restore(database_url, golden)
    house, case_id = House(database_url), golden["gates"][gate]
    house.platform = EmbeddedForum(Forum(house.store))
    if gate == "second_review":
        house.decide(case_id, by=SUPERVISOR)
        house.insist()
    house.sql("update cases set graph_version = %s where case_id = %s", (CURRENT, case_id))
    house.rollback(case_id, by=SUPERVISOR)
    house.insist()
    assert house.status(case_id) == "waiting_review"
    assert not {"applied", "sending"} & set(house.actions(case_id).values())
    assert house.command(case_id)["graph_version"] == CURRENT
    round_ = house.show(case_id)["review"]["round"]
    assert house.rows("select state ->> 'round' as at from checkpoint_heads where thread_id = %s", (case_id,)) == [
        {"at": str(round_)}
    ]
    house.close()


class State(TypedDict, total=False):
    """Of a graph that is not ours: no round, a list that two nodes write to at once."""

    ran: Annotated[list[str], lambda old, new: sorted([*old, *new])]
    answer: str | None


def _graph() -> StateGraph[State, Any, State, State]:
    both = threading.Barrier(2, timeout=20)

    def left(state: State) -> State:
        both.wait()
        return {"ran": ["left"]}

    def right(state: State) -> State:
        both.wait()
        return {"ran": ["right"]}

    def asked(state: State) -> State:
        return {"answer": interrupt({"ran": state["ran"]})["decision"]}

    graph = StateGraph(State)
    graph.add_node("left", left)
    graph.add_node("right", right)
    graph.add_node("asked", asked)
    graph.add_edge(START, "left")
    graph.add_edge(START, "right")
    graph.add_edge(["left", "right"], "asked")
    graph.add_edge("asked", END)
    return graph


@pytest.mark.parametrize("durability", ["exit", "sync"])
def test_a_graph_of_others_runs_its_nodes_at_once_and_is_asked_for_its_answer(
    house: House, monkeypatch: pytest.MonkeyPatch, durability: Literal["exit", "sync"]
) -> None:
    found = GraphVersion("others", "1", _graph, durability)
    monkeypatch.setattr("hitl.graphs.runner.VERSIONS", MappingProxyType({**VERSIONS, found.label: found}))
    with house.store.transaction() as tx:
        workers.register(tx, found.name, found.version, fingerprint(_graph()))
    case_id = house.waiting(graph="others")
    paused = house.rows("select state -> 'paused' as at from checkpoint_heads where thread_id = %s", (case_id,))
    house.decide(case_id, "reject")
    assert house.drain() == ["done"]
    assert house.status(case_id) == "completed"
    if durability == "exit":
        assert list(paused[0]["at"].values()) == [{"ran": ["left", "right"]}]
