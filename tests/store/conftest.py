"""The whole core over a fresh database."""

from tests.graphs.conftest import house

__all__ = ["house"]
