"""The shipped policies, for tests that judge something."""

import tomllib
from importlib import resources

from hitl.domain.policies import PolicySet, parse


def default_policies() -> PolicySet:
    """The policy set that ships with Guardian."""
    return parse(tomllib.loads((resources.files("hitl.store") / "data/policies/default.toml").read_text()))
