"""`python -m hitl.cli` is `hitl`."""

from hitl.cli import app

app(prog_name="hitl")
