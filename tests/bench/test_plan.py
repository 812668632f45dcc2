import pytest

from bench import plan
from bench.plan import EMBEDDED, RABBITMQ, Shape
from bench.sizes import Sizes, forecast
from bench.systems.catalog import SYSTEMS


def test_each_round_begins_with_another_system() -> None:
    found = [(round_, system) for round_, _, system in plan.visits(["a", "b", "c"], ["closed-0"], 3)]

    assert found == [(1, "a"), (1, "b"), (1, "c"), (2, "b"), (2, "c"), (2, "a"), (3, "c"), (3, "a"), (3, "b")]


def test_survival_is_run_once() -> None:
    found = [(round_, scenario) for round_, scenario, _ in plan.visits(["a"], ["gentle", "survival"], 2)]

    assert found == [(1, "gentle"), (1, "survival"), (2, "gentle")]


def test_everything_but_what_is_guardians_own_is_asked_of_every_system() -> None:
    found = {(scenario, system) for _, scenario, system in plan.visits(list(SYSTEMS), plan.SCENARIOS, 1)}

    shared = {(scenario, system) for scenario in ("closed-0", "closed-200", "gentle", "survival") for system in SYSTEMS}
    assert shared <= found
    assert {system for _, system in found - shared} == {EMBEDDED, RABBITMQ}


@pytest.mark.parametrize("shape", [shape for shapes in plan.SHAPES.values() for shape in shapes])
def test_a_shape_is_read_back_from_its_scenario(shape: Shape) -> None:
    assert plan.shape(shape.scenario) == shape


def test_one_of_each_and_two_of_each_are_neighbors_in_a_round() -> None:
    found = [scenario for _, scenario, _ in plan.visits([RABBITMQ], ["scale"], 2)]

    assert found == ["scale-0-1x1", "scale-0-2x2", "scale-0-2x2", "scale-0-1x1"]


def test_everything_fits_into_an_hour() -> None:
    planned = plan.visits(list(SYSTEMS), plan.SCENARIOS, 3)

    assert sum(forecast(scenario, Sizes()) for _, scenario, _ in planned) < 3600
