"""`python -m bench.profile`: where each millisecond of a case goes, printed as the page prints it.

`--note FILE` appends what was found to a results file, for `scripts/bench --report FILE`.
"""

import argparse
import json
from pathlib import Path

from bench.profile.measuring import profile
from bench.report import profiled
from bench.sizes import Sizes


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("--note", type=Path, help="a results file to append it to")
    given = parser.parse_args()
    found = profile(Sizes())
    if given.note:
        with given.note.open("a") as file:
            file.write(json.dumps({"profile": found}) + "\n")
    print(profiled.page([found]))


if __name__ == "__main__":
    main()
