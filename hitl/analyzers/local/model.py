"""The classifier: hashed n-grams to base logits, base logits and signals to calibrated probabilities."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hitl.analyzers.local.features import Floats, Grams, Ints


class Vector(NamedTuple):
    """A text as buckets, their values, and per n-gram occurrence the place of its bucket."""

    found: Ints
    values: Floats
    place: Ints


@dataclass(frozen=True, slots=True)
class Base:
    """Logistic heads over hashed n-grams, in 8-bit weights: one row per bucket, one column per head."""

    heads: tuple[str, ...]
    idf: Floats
    weights: NDArray[np.int8]
    scale: Floats
    bias: Floats

    def vector(self, grams: Grams) -> Vector:
        """The text as tf-idf."""
        return tfidf(grams, self.idf)

    def logits(self, vector: Vector) -> Floats:
        """One logit per head."""
        return (vector.values @ self.weights[vector.found].astype(np.float32)) * self.scale + self.bias

    def by_word(self, grams: Grams, vector: Vector, head: str, size: int) -> Floats:
        """How much each of the `size` words adds to a head's logit."""
        column = self.heads.index(head)
        parts = vector.values * self.weights[vector.found, column] * self.scale[column]
        shared = parts / np.maximum(np.bincount(vector.place, minlength=len(vector.found)), 1)
        return np.bincount(grams.owners, weights=shared[vector.place], minlength=size).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Stack:
    """Logistic heads over base logits and signals; their sigmoid is a probability."""

    heads: tuple[str, ...]
    weights: Floats
    bias: Floats

    def logits(self, features: Floats) -> Floats:
        """One logit per head."""
        return self.weights @ features + self.bias


def tfidf(grams: Grams, idf: Floats) -> Vector:
    """A text as (1 + ln tf) x idf, words and characters each of length one."""
    found, place, counts = np.unique(grams.buckets, return_inverse=True, return_counts=True)
    values = (1 + np.log(counts)).astype(np.float32) * idf[found]
    is_word = np.zeros(len(found), bool)
    is_word[place[: grams.words]] = True
    for block in (is_word, ~is_word):
        norm = float(np.sqrt(np.square(values[block]).sum()))
        if norm:
            values[block] /= norm
    return Vector(found, values, place)


def sigmoid(logit: Floats) -> Floats:
    """The probability of a logit."""
    return (1 / (1 + np.exp(-np.clip(logit, -30, 30)))).astype(np.float32)
