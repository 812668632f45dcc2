"""`scripts/chaos [FORM]`: every way to pull the plug, by name; without one the nemesis comes."""

import importlib
import sys
from collections.abc import Sequence

FORMS = {
    "nemesis": ("run", "everything is killed, again and again, while 10,000 cases go through the loop"),
    "matrix": ("matrix", "every fault at every commit boundary, on both brokers (twenty minutes)"),
    "races": ("races", "eight people decide each of 200 reviews at the same moment"),
    "rollbacks": ("rollbacks", "1,000 rollbacks while the worker is killed every two seconds"),
    "restarts": ("restarts", "desks and workers are restarted in turn, 20 times, under load, behind a balancer"),
    "overload": ("overload", "two minutes of five times what can be done, with the workers off"),
    "model": ("model", "the chat model's bad day, with a ten-minute outage (17 minutes)"),
}
HELP = ("-h", "--help")


def main(argv: Sequence[str]) -> int:
    """Run a form with the arguments that follow its name; its exit code."""
    name, *rest = argv or ["nemesis"]
    if name in HELP:
        sys.stdout.write(overview())
        return 0
    if name.startswith("-"):
        name, rest = "nemesis", list(argv)
    if name not in FORMS:
        sys.stderr.write(f"There is no form {name!r}.\n\n{overview()}")
        return 2
    module = importlib.import_module(f"tests.chaos.{FORMS[name][0]}")
    found: int = module.main(rest)
    return found


def overview() -> str:
    """What there is."""
    lines = ["usage: scripts/chaos [FORM] [--help] [...]", "", "Pulls the plug, and says what became of it.", ""]
    lines += [f"  {name:<10} {about}" for name, (_, about) in FORMS.items()]
    more = "Without a form: nemesis. The exit code is 1 when any promise was broken."
    return "\n".join([*lines, "", more, "`scripts/chaos FORM --help` names its options; `--seed` repeats a run.", ""])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
