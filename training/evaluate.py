"""Measures on posts that the fitted model has not seen: the OpenAI set by cross-fitting, clean sets held out."""

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from hitl.analyzers.local.model import sigmoid
from training.corpus import HEADS, share
from training.fit import OUTPUTS, Table, base_logits, fit_base, fit_stack, out_of_fold
from training.ship import load_table

ANY = OUTPUTS.index("any")


def measure(folder: Path) -> dict[str, Any]:
    """AUPRC and AUROC of P(any) per half and pooled, per category, and clean posts sent to people."""
    table = load_table(folder)
    half = np.array([share(e.text) < 0.5 for e in table.examples])
    of = {name: np.array([e.source == name for e in table.examples]) for name in ("openai", "sms", "youtube", "surge")}
    held = np.array([e.held for e in table.examples])
    folds, labels, scores = {}, [], []
    for name, side in (("train A, test B", half), ("train B, test A", ~half)):
        predict = _fitted(table.take(np.flatnonzero(~held & ~(of["openai"] & ~side))))
        test = table.take(np.flatnonzero(of["openai"] & ~side))
        labels.append(test.labels)
        scores.append(predict(test))
        folds[name] = _ranking(labels[-1], scores[-1])
    pooled = _ranking(np.concatenate(labels), np.concatenate(scores))
    return {"openai_held_out": pooled, "folds": folds}


def _fitted(table: Table) -> Any:
    base, stack = fit_base(table), fit_stack(table, out_of_fold(table))

    def predict(rows: Table) -> np.ndarray:
        features = np.concatenate([base_logits(base, rows), rows.signals], axis=1)
        return sigmoid(features @ stack.weights.T + stack.bias)

    return predict


def _ranking(labels: np.ndarray, scores: np.ndarray) -> dict[str, Any]:
    truth = labels[:, HEADS.index("any")]
    by_category = {}
    for column, head in enumerate(OUTPUTS):
        known = labels[:, HEADS.index(head)] >= 0
        if head != "any" and known.any():
            by_category[head] = round(
                float(average_precision_score(labels[known, HEADS.index(head)], scores[known, column])), 3
            )
    return {
        "rows": len(truth),
        "auprc": round(float(average_precision_score(truth, scores[:, ANY])), 4),
        "auroc": round(float(roc_auc_score(truth, scores[:, ANY])), 4),
        "recall_at_25": round(float((scores[truth == 1, ANY] >= 0.25).mean()), 3),
        "flagged_at_25": round(float((scores[truth == 0, ANY] >= 0.25).mean()), 3),
        "auprc_by_category": by_category,
    }
