"""Word lists: which words of a post belong to which list, found by hash so that no slur stands in the project."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitl.analyzers.local.features import Tokens, hashes

_STEP = np.uint64(0x100000001B3)

Hit = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Sorted keys of one to three words each, and per key the number of its list."""

    keys: NDArray[np.uint64]
    lists: NDArray[np.uint8]
    names: tuple[str, ...]

    def hits(self, tokens: Tokens) -> list[Hit]:
        """Every hit as first word, word after the last, name of the list."""
        found: list[Hit] = []
        for length, keys in enumerate(_runs(tokens.hashes), start=1):
            at = np.searchsorted(self.keys, keys)
            at[at == len(self.keys)] = 0
            starts = np.flatnonzero(self.keys[at] == keys)
            found += [(int(s), int(s) + length, self.names[self.lists[at[s]]]) for s in starts]
        return found


def build(terms: Mapping[str, list[str]], hashed: Mapping[str, NDArray[np.uint64]]) -> Lexicon:
    """A lexicon from lists of plain terms and lists of keys; a key in several lists keeps the first."""
    names = (*terms, *hashed)
    by_key: dict[int, int] = {}
    for number, name in enumerate(names):
        keys = [key(t) for t in terms[name]] if name in terms else [int(k) for k in hashed[name]]
        for k in keys:
            by_key.setdefault(k, number)
    order = sorted(by_key)
    return Lexicon(np.array(order, np.uint64), np.array([by_key[k] for k in order], np.uint8), names)


def key(term: str) -> int:
    """The key of a term of one to three words."""
    words = hashes(term.split()[:3])
    return int(_runs(words)[len(words) - 1][0])


def _runs(words: NDArray[np.uint64]) -> list[NDArray[np.uint64]]:
    pairs = words[:-1] * _STEP + words[1:] + np.uint64(7)
    triples = pairs[:-1] * _STEP + words[2:] + np.uint64(11)
    return [words, pairs, triples]
