"""The tests stand on the same floors as the code."""

import tomllib

from tests.house.sources import FLOORS, ROOT, kept, python

BESIDE = {"house", "bench", "services", "fakes", "journeys", "browser", "chaos", "scripts", *FLOORS}


def _floors() -> set[str]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract.get("exhaustive"))
    return {floor.strip(" ()") for layer in layers for floor in layer.split("|")}


def test_every_folder_of_tests_mirrors_a_floor() -> None:
    folders = {path.parts[1] for path in python("tests") if len(path.parts) > 2}
    assert folders <= _floors() | BESIDE


def test_every_folder_of_code_and_tests_is_a_package() -> None:
    folders = {path.parent for path in python(*FLOORS, "tests")}
    assert not [folder for folder in folders if folder / "__init__.py" not in kept()]
