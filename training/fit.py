"""Fits the two layers: logistic heads over hashed n-grams, and logistic heads over their logits and the signals."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from hitl.analyzers.local.features import BUCKETS, grams, tokenize
from hitl.analyzers.local.lexicon import Lexicon
from hitl.analyzers.local.model import Base, Stack, tfidf
from hitl.analyzers.local.signals import Prior, signals
from hitl.analyzers.local.views import fold, plain
from training.corpus import HEADS, Example

SEED = 20
IDF_SCALE = np.float32(1 / 20)
BASE_C = 0.5
STACK_C = 0.05
FOLDS = 4
OUTPUTS = tuple(h for h in HEADS if h != "toxic")
# How much a row counts for the second layer: posts as they are met count, adversarial and made-up ones hardly.
MET = {"openai": 1.0, "surge": 0.1, "sms": 0.025, "youtube": 0.05}
MET |= {"templates": 0.02, "toxigen": 0.005, "hatemoji": 0.003, "ailuminate": 0.005}
# Heads that the posts as they are met say nothing about learn from what there is.
MADE = {
    "sms": 0.15,
    "youtube": 0.3,
    "surge": 0.5,
    "templates": 0.2,
    "ailuminate": 0.3,
    "jailbreaks": 0.3,
    "openai": 0.3,
}
MADE_HEADS = ("spam", "injection", "illegal_goods", "personal_data")
# Texts whose label says little about harm in general.
NOT_ANY = ("hatemoji", "templates")


@dataclass(frozen=True, slots=True)
class Table:
    """The examples as numbers: n-grams per text, signals, and labels (-1 = unknown)."""

    examples: list[Example]
    texts: list[Any]
    signals: np.ndarray
    labels: np.ndarray

    def take(self, rows: np.ndarray) -> "Table":
        """Some of the rows."""
        kept = [int(r) for r in rows]
        return Table(
            [self.examples[r] for r in kept], [self.texts[r] for r in kept], self.signals[kept], self.labels[kept]
        )


def tabulate(examples: list[Example], lexicon: Lexicon, prior: Prior) -> Table:
    """Read every text once."""
    texts, rows = [], []
    for example in examples:
        tokens = tokenize(plain(fold(example.text)).text)
        texts.append(grams(tokens))
        rows.append(signals(example.text, tokens, lexicon.hits(tokens), lexicon, prior))
    labels = np.array([[e.labels.get(h, -1) for h in HEADS] for e in examples], np.int8)
    labels[[e.source in NOT_ANY for e in examples], HEADS.index("any")] = -1
    return Table(examples, texts, np.array(rows), labels)


def fit_base(table: Table) -> Base:
    """The first layer, in the 8-bit weights that are shipped."""
    idf = _idf(table)
    x = matrix(table, idf)
    weight = np.array([e.weight for e in table.examples])
    coef, bias = np.zeros((BUCKETS, len(HEADS)), np.float32), np.zeros(len(HEADS), np.float32)
    for column in range(len(HEADS)):
        known = np.flatnonzero(table.labels[:, column] >= 0)
        y = table.labels[known, column]
        model = LogisticRegression(
            C=BASE_C, class_weight="balanced", solver="liblinear", dual=True, random_state=SEED, max_iter=200, tol=1e-3
        )
        model.fit(x[known], y, sample_weight=weight[known])
        coef[:, column], bias[column] = model.coef_[0], model.intercept_[0]
    scale = np.maximum(np.abs(coef).max(axis=0), 1e-6) / 127
    return Base(HEADS, idf, np.rint(coef / scale).astype(np.int8), scale.astype(np.float32), bias)


def matrix(table: Table, idf: np.ndarray) -> csr_matrix:
    """The texts as one sparse matrix."""
    rows = [tfidf(t, idf)[:2] for t in table.texts]
    lengths = np.cumsum([0, *(len(found) for found, _ in rows)])
    columns = np.concatenate([found for found, _ in rows])
    x = csr_matrix((np.concatenate([v for _, v in rows]), columns, lengths), shape=(len(rows), BUCKETS))
    x.eliminate_zeros()
    return x


def base_logits(base: Base, table: Table) -> np.ndarray:
    """Base logits of every row."""
    return np.array([base.logits(base.vector(t)) for t in table.texts])


def out_of_fold(table: Table) -> np.ndarray:
    """Base logits of every row by models that did not see it."""
    fold = np.random.default_rng(SEED).permutation(len(table.examples)) % FOLDS
    logits = np.zeros((len(table.examples), len(HEADS)), np.float32)
    for number in range(FOLDS):
        base = fit_base(table.take(np.flatnonzero(fold != number)))
        rows = np.flatnonzero(fold == number)
        logits[rows] = base_logits(base, table.take(rows))
    return logits


def fit_stack(table: Table, logits: np.ndarray) -> Stack:
    """The second layer; scaling of the features is folded into its weights."""
    x = np.concatenate([logits, table.signals], axis=1).astype(np.float64)
    mean, spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-3)
    coef, bias = np.zeros((len(OUTPUTS), x.shape[1])), np.zeros(len(OUTPUTS))
    for row, head in enumerate(OUTPUTS):
        table_of = MADE if head in MADE_HEADS else MET
        weight = np.array([table_of.get(e.source, 0.0) for e in table.examples])
        known = np.flatnonzero((table.labels[:, HEADS.index(head)] >= 0) & (weight > 0))
        model = LogisticRegression(C=STACK_C, max_iter=2000)
        model.fit((x[known] - mean) / spread, table.labels[known, HEADS.index(head)], sample_weight=weight[known])
        coef[row] = model.coef_[0] / spread
        bias[row] = model.intercept_[0] - float(coef[row] @ mean)
    return Stack(OUTPUTS, coef.astype(np.float32), bias.astype(np.float32))


def _idf(table: Table) -> np.ndarray:
    seen = np.zeros(BUCKETS, np.int64)
    for text in table.texts:
        seen[np.unique(text.buckets)] += 1
    idf = np.where(seen >= 2, np.log((1 + len(table.texts)) / (1 + seen)) + 1, 0)
    return (np.rint(idf / IDF_SCALE).astype(np.uint8) * IDF_SCALE).astype(np.float32)
