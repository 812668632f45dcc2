"""`python -m training FOLDER` makes the shipped weights anew; `--evaluate` only measures, by cross-fitting."""

import argparse
import json
from pathlib import Path

from training.evaluate import measure, measure_clean
from training.ship import WEIGHTS, note, ship


def main() -> None:
    """Read the folder of labeled data; measure, and unless told otherwise fit on all of it and write the weights."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("folder", type=Path, help="the labeled data; docs/analyzer-local.md lists the files")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where the weights go")
    parser.add_argument("--evaluate", action="store_true", help="measure and print; write nothing")
    chosen = parser.parse_args()
    metrics = measure(chosen.folder)
    if not chosen.evaluate:
        ship(chosen.folder, chosen.out, metrics)
    if chosen.out == WEIGHTS:
        metrics["clean"] = measure_clean(chosen.folder)
    print(json.dumps(metrics, indent=1))
    if not chosen.evaluate:
        note(chosen.out, metrics)


if __name__ == "__main__":
    main()
