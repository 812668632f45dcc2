"""From a view of a post to hashed n-grams: words, pairs of words, and three to five characters within a word."""

import re
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BITS = 18
BUCKETS = 1 << BITS
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]{1,3}(?![^\W_]))?|[^\x00-\x7f\s\w]")
LONGEST_WORD = 40

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

_ODD = np.uint64(0x9E3779B97F4A7C15)
_STEP = np.uint64(0x100000001B3)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The words of a view, where they stand in it, and a 32-bit hash of each."""

    words: list[str]
    spans: list[tuple[int, int]]
    hashes: NDArray[np.uint64]

    def part(self, start: int, end: int) -> "Tokens":
        """Words start to end."""
        return Tokens(self.words[start:end], self.spans[start:end], self.hashes[start:end])


@dataclass(frozen=True, slots=True)
class Grams:
    """Every n-gram occurrence: its bucket, the word it belongs to; `words` of them are of the word block."""

    buckets: Ints
    owners: Ints
    words: int


def tokenize(text: str) -> Tokens:
    """Words of letters and digits, and single symbols such as emoji."""
    found = [(m.group()[:LONGEST_WORD], m.span()) for m in WORD.finditer(text)]
    words = [w.replace("’", "'") for w, _ in found]
    return Tokens(words, [s for _, s in found], hashes(words))


def hashes(words: list[str]) -> NDArray[np.uint64]:
    """A 32-bit hash per word, the same on every machine."""
    return np.fromiter((zlib.crc32(w.encode("utf-8", "surrogatepass")) for w in words), np.uint64, len(words))


def grams(tokens: Tokens) -> Grams:
    """All n-grams of the words, as buckets."""
    count = len(tokens.words)
    if not count:
        empty = np.zeros(0, np.int64)
        return Grams(empty, empty, 0)
    single = tokens.hashes
    pairs = single[:-1] * _STEP + single[1:] + np.uint64(7)
    owner = np.arange(count, dtype=np.int64)
    chars, char_owners = _char_grams(tokens.words)
    buckets = np.concatenate([_bucket(single), _bucket(pairs), chars])
    owners = np.concatenate([owner, owner[:-1], char_owners])
    return Grams(buckets, owners, 2 * count - 1)


def _char_grams(words: list[str]) -> tuple[Ints, Ints]:
    line = " " + " ".join(words) + " "
    codes = np.frombuffer(line.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    gap = codes == 32
    word_of = np.cumsum(gap) - 1
    buckets, owners = [], []
    rolling = codes
    for size in (2, 3, 4, 5):
        rolling = rolling[:-1] * _STEP + codes[size - 1 :]
        if size == 2 or not len(rolling):
            continue
        # A gap may open or close the n-gram, never stand inside it.
        inside = gap[1 : len(gap) - 1]
        crossing = np.convolve(inside, np.ones(size - 2, np.int64))[size - 3 : len(rolling) + size - 3] > 0
        keep = ~crossing
        buckets.append(_bucket(rolling[keep] + np.uint64(size)))
        owners.append(word_of[: len(rolling)][keep])
    return np.concatenate(buckets), np.concatenate(owners).astype(np.int64)


def _bucket(keys: NDArray[np.uint64]) -> Ints:
    mixed = (keys ^ (keys >> np.uint64(29))) * _ODD
    return (mixed >> np.uint64(64 - BITS)).astype(np.int64)
