"""Golden checkpoints: cases paused at every gate, as each released graph version left them in the database.

When a graph version is released, `python -m tests.graphs.golden` writes its file; those of earlier ones stay.
"""
