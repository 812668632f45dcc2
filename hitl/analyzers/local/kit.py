"""Loads the shipped weights, after checking that they are the ones the manifest describes."""

import hashlib
import io
import json
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np

from hitl.analyzers.local.language import Languages
from hitl.analyzers.local.language import read as read_languages
from hitl.analyzers.local.lexicon import Lexicon, build
from hitl.analyzers.local.model import Base, Stack
from hitl.analyzers.local.signals import Prior
from hitl.analyzers.port import AnalyzerUnavailable

PACKAGED = files("hitl.analyzers.local") / "weights"


@dataclass(frozen=True, slots=True)
class Kit:
    """Everything the analyzer reads posts with."""

    base: Base
    stack: Stack
    lexicon: Lexicon
    prior: Prior
    languages: Languages
    manifest: dict[str, Any]


def load(folder: Traversable = PACKAGED) -> Kit:
    """The packaged weights; raises AnalyzerUnavailable where one is missing or is not what the manifest says."""
    manifest = json.loads(_bytes(folder, "manifest.json"))
    content = {name: _checked(folder, name, facts["sha256"]) for name, facts in manifest["files"].items()}
    base, stack = unpack(_arrays(content["model.npz"]), manifest["heads"], manifest["outputs"])
    return Kit(
        base=base,
        stack=stack,
        lexicon=lexicon(json.loads(content["words.json"]), _arrays(content["lexicon.npz"])),
        prior=prior(_arrays(content["prior.npz"])),
        languages=read_languages(json.loads(content["languages.json"])),
        manifest=manifest,
    )


def unpack(arrays: dict[str, Any], heads: list[str], outputs: list[str]) -> tuple[Base, Stack]:
    """Both layers from their arrays."""
    idf = arrays["idf"] * arrays["idf_scale"]
    base = Base(tuple(heads), idf, arrays["weights"], arrays["scale"], arrays["bias"])
    return base, Stack(tuple(outputs), arrays["stack_weights"], arrays["stack_bias"])


def lexicon(words: dict[str, list[str]], arrays: dict[str, Any]) -> Lexicon:
    """Own word lists and the hashed ones together."""
    return build(words, {name: arrays[name] for name in sorted(arrays)})


def prior(arrays: dict[str, Any]) -> Prior:
    """The toxicity prior from its 8-bit arrays."""
    return Prior(
        arrays["keys"].astype(np.uint64),
        arrays["idf"] * arrays["idf_scale"],
        arrays["weights"] * arrays["scale"],
        float(arrays["intercept"]),
    )


def _checked(folder: Traversable, name: str, sha256: str) -> bytes:
    content = _bytes(folder, name)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise AnalyzerUnavailable(f"The weights file {name} is not the one in manifest.json; install Guardian again.")
    return content


def _bytes(folder: Traversable, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError:
        raise AnalyzerUnavailable(f"The weights file {name} is missing; install Guardian again.") from None


def _arrays(content: bytes) -> dict[str, Any]:
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
