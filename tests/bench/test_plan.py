from bench import plan


def test_each_round_begins_with_another_system() -> None:
    found = [(round_, system) for round_, _, system in plan.visits(["a", "b", "c"], ["closed-0"], 3)]

    assert found == [(1, "a"), (1, "b"), (1, "c"), (2, "b"), (2, "c"), (2, "a"), (3, "c"), (3, "a"), (3, "b")]


def test_survival_is_run_once() -> None:
    found = [(round_, scenario) for round_, scenario, _ in plan.visits(["a"], ["gentle", "survival"], 2)]

    assert found == [(1, "gentle"), (1, "survival"), (2, "gentle")]
