"""The whole core over a fresh database."""

from tests.graphs.conftest import house, house_url

__all__ = ["house", "house_url"]
