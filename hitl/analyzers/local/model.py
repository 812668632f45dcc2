"""The classifier: hashed n-grams to base logits, base logits and signals to calibrated probabilities."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitl.analyzers.local.features import Floats, Grams, Ints


@dataclass(frozen=True, slots=True)
class Base:
    """Logistic heads over hashed n-grams, in 8-bit weights: one row per bucket, one column per head."""

    heads: tuple[str, ...]
    idf: Floats
    weights: NDArray[np.int8]
    scale: Floats
    bias: Floats

    def logits(self, grams: Grams) -> Floats:
        """One logit per head."""
        found, values, _ = self.vector(grams)
        return (values @ self.weights[found].astype(np.float32)) * self.scale + self.bias

    def vector(self, grams: Grams) -> tuple[Ints, Floats, Ints]:
        """The text as tf-idf: buckets, their values, and per n-gram occurrence the place of its bucket."""
        return tfidf(grams, self.idf)

    def by_word(self, grams: Grams, head: str, size: int) -> Floats:
        """How much each of the `size` words adds to a head's logit."""
        column = self.heads.index(head)
        found, values, place = self.vector(grams)
        parts = values * self.weights[found, column] * self.scale[column]
        shared = parts / np.maximum(np.bincount(place, minlength=len(found)), 1)
        return np.bincount(grams.owners, weights=shared[place], minlength=size).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Stack:
    """Logistic heads over base logits and signals; their sigmoid is a probability."""

    heads: tuple[str, ...]
    weights: Floats
    bias: Floats

    def logits(self, features: Floats) -> Floats:
        """One logit per head."""
        return self.weights @ features + self.bias


def tfidf(grams: Grams, idf: Floats) -> tuple[Ints, Floats, Ints]:
    """Buckets, values and places of a text: (1 + ln tf) x idf, words and characters each of length one."""
    found, place, counts = np.unique(grams.buckets, return_inverse=True, return_counts=True)
    values = (1 + np.log(counts)).astype(np.float32) * idf[found]
    is_word = np.zeros(len(found), bool)
    is_word[place[: grams.words]] = True
    for block in (is_word, ~is_word):
        norm = float(np.sqrt(np.square(values[block]).sum()))
        if norm:
            values[block] /= norm
    return found, values, place


def sigmoid(logit: Floats) -> Floats:
    """The probability of a logit."""
    return (1 / (1 + np.exp(-np.clip(logit, -30, 30)))).astype(np.float32)
