"""Fits on everything that is not held out and writes the weights with their manifest."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from hitl.analyzers.local.kit import lexicon, prior
from hitl.analyzers.local.lexicon import Lexicon, key
from hitl.analyzers.local.signals import Prior
from hitl.analyzers.local.views import fold, plain
from training import templates
from training.corpus import HEADS, Example, lexicon_terms, read
from training.fit import IDF_SCALE, OUTPUTS, SEED, Table, fit_base, fit_stack, out_of_fold, tabulate

WEIGHTS = Path(__file__).parents[1] / "hitl" / "analyzers" / "local" / "weights"
SHIPPED = ("model.npz", "lexicon.npz", "prior.npz", "words.json", "languages.json")


def ship(folder: Path, out: Path, metrics: dict[str, Any]) -> None:
    """Write model.npz, lexicon.npz and manifest.json beside the files that training does not change."""
    table = load_table(folder)
    table = table.take(np.flatnonzero([not e.held for e in table.examples]))
    base = fit_base(table)
    stack = fit_stack(table, out_of_fold(table))
    np.savez_compressed(
        out / "model.npz",
        idf=np.rint(base.idf / IDF_SCALE).astype(np.uint8),
        idf_scale=IDF_SCALE,
        weights=base.weights,
        scale=base.scale,
        bias=base.bias,
        stack_weights=stack.weights,
        stack_bias=stack.bias,
    )
    np.savez_compressed(out / "lexicon.npz", **hashed_terms(folder))
    _carry(out)
    sources = json.loads((Path(__file__).parent / "sources.json").read_text(encoding="utf-8"))
    manifest = {"name": "local@1", "seed": SEED, "heads": HEADS, "outputs": OUTPUTS, "rows": len(table.examples)}
    manifest |= {"sources": sources, "metrics": metrics, "files": {n: _facts(out / n) for n in SHIPPED}}
    _write(out / "manifest.json", manifest)


def note(out: Path, metrics: dict[str, Any]) -> None:
    """Put the figures into the manifest."""
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    _write(out / "manifest.json", manifest | {"metrics": metrics})


def _write(path: Path, manifest: dict[str, Any]) -> None:
    path.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _carry(out: Path) -> None:
    """Copy what training does not change, where the weights go somewhere else."""
    for name in SHIPPED:
        if not (out / name).exists():
            (out / name).write_bytes((WEIGHTS / name).read_bytes())


def load_table(folder: Path) -> Table:
    """All examples as numbers, the own templates among them."""
    return tabulate(examples(folder), *helpers(folder))


def examples(folder: Path) -> list[Example]:
    """The data and the own templates."""
    return read(folder) + templates.fill(SEED)


def helpers(folder: Path) -> tuple[Lexicon, Prior]:
    """What both training and running read posts with."""
    words = json.loads((WEIGHTS / "words.json").read_text(encoding="utf-8"))
    with np.load(WEIGHTS / "prior.npz") as archive:
        shipped = dict(archive)
    return lexicon(words, hashed_terms(folder)), prior(shipped)


def hashed_terms(folder: Path) -> dict[str, Any]:
    """The profanity list as keys: list name to sorted 64-bit hashes."""
    keys: dict[str, set[int]] = {}
    for name, term in lexicon_terms(folder):
        text = plain(fold(term)).text
        if 1 <= len(text.split()) <= 3:
            keys.setdefault(name, set()).add(key(text))
    return {name: np.array(sorted(found), np.uint64) for name, found in sorted(keys.items())}


def _facts(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
