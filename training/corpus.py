"""Reads the labeled data: which text says what about which head, and which half or part it belongs to."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

HEADS = (
    "hate",
    "harassment",
    "sexual",
    "violence",
    "self_harm",
    "hate_threat",
    "graphic",
    "toxic",
    "illegal_goods",
    "personal_data",
    "spam",
    "injection",
    "any",
)
OPENAI = {"S": "sexual", "H": "hate", "V": "violence", "HR": "harassment", "SH": "self_harm", "H2": "hate_threat"}
OPENAI |= {"V2": "graphic"}
CLEAN = dict.fromkeys(HEADS, 0)
HELD_VIDEO = "Youtube03"


@dataclass(frozen=True, slots=True)
class Example:
    """A text, what is known of it per head (0 or 1), where it is from, and whether it is held out of all training."""

    text: str
    labels: dict[str, int]
    source: str
    weight: float = 1.0
    held: bool = False


def read(folder: Path) -> list[Example]:
    """All sets in the folder, in a fixed order, without empty texts and doubles."""
    seen: set[tuple[str, str]] = set()
    kept = []
    for example in (e for source in SOURCES for e in source(folder)):
        mark = (example.source, " ".join(example.text.lower().split()))
        if mark[1] and mark not in seen:
            seen.add(mark)
            kept.append(example)
    return kept


def share(text: str) -> float:
    """A number from 0 to 1 that depends on the text alone, for splits that never change."""
    return zlib.crc32((" ".join(text.lower().split()) + "#split").encode()) / 2**32


def openai(folder: Path) -> Iterator[Example]:
    with gzip.open(folder / "openai-moderation-half.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            labels = {head: int(row[k]) for k, head in OPENAI.items() if k in row}
            labels["any"] = max(labels.values(), default=0)
            yield Example(row["prompt"], labels, "openai", 6.0)


def hatemoji(folder: Path) -> Iterator[Example]:
    for part in ("train", "validation", "test"):
        for row in _rows(folder / f"hatemoji-{part}.csv.gz"):
            hate = int(row["label_gold"])
            threat = int(row["type"] == "threateninglanguage")
            yield Example(row["text"], {"hate": hate, "any": hate, "hate_threat": threat}, "hatemoji", 0.5)


def toxigen(folder: Path) -> Iterator[Example]:
    for row in _rows(folder / "toxigen-human.csv.gz"):
        hate = int(row["label"] == "hate")
        yield Example(row["text"], {"hate": hate, "any": hate}, "toxigen")


def surge(folder: Path) -> Iterator[Example]:
    for row in _rows(folder / "surge-toxicity.csv.gz"):
        toxic = row["is_toxic"] == "Toxic"
        labels = {"toxic": 1, "any": 1} if toxic else CLEAN
        yield Example(row["text"], labels, "surge", 0.5 if toxic else 1.0, held=share(row["text"]) < 0.4)


def ailuminate(folder: Path) -> Iterator[Example]:
    hazards = {"hte": "hate", "vcr": "violence", "ncr": "illegal_goods", "prv": "personal_data", "ssh": "self_harm"}
    for row in _rows(folder / "ailuminate-prompts.csv.gz"):
        labels = dict.fromkeys(("sexual", "spam", "injection"), 0) | {hazards[row["hazard"]]: 1}
        yield Example(row["prompt_text"], labels, "ailuminate", 0.5)


def sms(folder: Path) -> Iterator[Example]:
    with gzip.open(folder / "sms-spam.tsv.gz", "rt", encoding="utf-8") as lines:
        for line in list(lines)[1:]:
            label, _, text = line.rstrip("\n").partition("\t")
            yield Example(text, CLEAN if label == "ham" else {"spam": 1}, "sms", 0.5, held=share(text) < 0.3)


def youtube(folder: Path) -> Iterator[Example]:
    for row in _rows(folder / "youtube-spam.csv.gz"):
        held = row["file"].startswith(HELD_VIDEO)
        yield Example(row["CONTENT"], {"spam": 1} if row["CLASS"] == "1" else CLEAN, "youtube", 1.0, held=held)


def jailbreaks(folder: Path) -> Iterator[Example]:
    with gzip.open(folder / "in-the-wild-jailbreaks.json.gz", "rt", encoding="utf-8") as file:
        for text in json.load(file):
            yield Example(text[:1500], {"injection": 1}, "jailbreaks", held=share(text) < 0.3)


def profanity(folder: Path) -> Iterator[Example]:
    for row in _rows(folder / "surge-profanity-list.csv.gz"):
        yield Example(row["text"], {"toxic": 1}, "profanity", 0.2)


def lexicon_terms(folder: Path) -> Iterator[tuple[str, str]]:
    """Terms of the profanity list, each with the name of the word list it belongs to."""
    names = {"sexual": "surge_sexual", "racial": "surge_slur", "bodily": "surge_bodily"}
    for row in _rows(folder / "surge-profanity-list.csv.gz"):
        kind = row["category_1"].split()[0]
        about = names.get(kind, "surge_slur" if row["category_1"].startswith("sexual orientation") else "surge_other")
        if row["category_1"].startswith("sexual orientation"):
            about = "surge_slur"
        yield f"{about}_{row['severity_description'].lower()}", row["text"]


SOURCES: tuple[Callable[[Path], Iterator[Example]], ...] = (
    openai,
    hatemoji,
    toxigen,
    surge,
    ailuminate,
    sms,
    youtube,
    jailbreaks,
    profanity,
)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path) as file:
        yield from csv.DictReader(io.TextIOWrapper(file, encoding="utf-8", newline=""))
