"""Fills the own sentences of templates.toml: the same texts for the same seed."""

import random
import re
import tomllib
from pathlib import Path

from training.corpus import Example

SLOT = re.compile(r"\{(\w+)\}")


def fill(seed: int) -> list[Example]:
    """Examples made from the templates; a line is used about equally often as its neighbors."""
    raw = tomllib.loads((Path(__file__).parent / "templates.toml").read_text(encoding="utf-8"))
    chance = random.Random(seed)
    made: dict[str, Example] = {}
    for group in raw["group"]:
        for number in range(group["count"]):
            line = group["lines"][number % len(group["lines"])]
            text = SLOT.sub(lambda m: chance.choice(raw["slots"][m.group(1)]), line.replace("{{", "").replace("}}", ""))
            text = _style(text, chance)
            made.setdefault(text, Example(text, group["labels"], "templates", group.get("weight", 0.5)))
    return list(made.values())


def _style(text: str, chance: random.Random) -> str:
    roll = chance.random()
    if roll < 0.08:
        return text.upper()
    if roll < 0.45:
        text = text[0].upper() + text[1:]
    return text + chance.choice(["", "", "", ".", "!", " 😂", " lol", "...", " 🙏", "!!"])
