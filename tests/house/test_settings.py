"""Every setting is in .env.example, with its default and a reason to change it; nothing else is."""

import re

from hitl.settings import Settings
from tests.house.sources import ROOT

LINE = re.compile(r"^# ?([A-Z][A-Z0-9_]+)=(.*)$")


def _example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return {match[1]: match[2] for line in lines if (match := LINE.match(line))}


def _settings() -> dict[str, str]:
    prefix = str(Settings.model_config["env_prefix"])
    found = {}
    for name, field in Settings.model_fields.items():
        variable = str(field.validation_alias or prefix + name.upper())
        default = field.get_default()
        found[variable] = "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)
    return found


def test_the_example_lists_every_setting_with_its_default() -> None:
    assert _example() == _settings()


def test_every_setting_has_a_reason() -> None:
    paragraphs = (ROOT / ".env.example").read_text().strip().split("\n\n")
    bare = [p for p in paragraphs if any(map(LINE.match, p.splitlines())) and not p.startswith("# ")]
    unexplained = [p for p in paragraphs if LINE.match(p.splitlines()[0])]
    assert not bare
    assert not unexplained
