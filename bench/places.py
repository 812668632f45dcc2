"""Where the benchmark keeps things: what is generated and committed, and what git ignores."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BENCH = ROOT / "bench"
PEERS = BENCH / "peers"
REQUIREMENTS = BENCH / "requirements"
PRIVATE = ROOT / ".bench"
VENVS = PRIVATE / "venvs"
RUNS = PRIVATE / "runs"
RESULTS = PRIVATE / "results"
