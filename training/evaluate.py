"""Measures on posts that the fitted model has not seen: the OpenAI set by cross-fitting, clean sets held out."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from hitl.analyzers.local import LocalAnalyzer
from hitl.analyzers.local.findings import ANY_OF
from hitl.analyzers.local.model import sigmoid
from hitl.domain.policies import Policy, PolicySet
from hitl.domain.verdicts import Post, judge
from training.corpus import HEADS, Example, read, share
from training.fit import OUTPUTS, SEED, Table, base_logits, fit_base, fit_stack, out_of_fold
from training.ship import WEIGHTS, load_table

ANY = OUTPUTS.index("any")
CATEGORIES = [OUTPUTS.index(h) for h in (*ANY_OF, "hate_threat", "graphic")]


def measure(folder: Path, parts: int = 8) -> dict[str, Any]:
    """AUPRC and AUROC of the review score: trained on one half and tested on the other, and with most of the set."""
    table = load_table(folder)
    posts = np.flatnonzero([e.source == "openai" for e in table.examples])
    half = np.array([share(table.examples[r].text) < 0.5 for r in posts])
    a_to_b, b_to_a = _unseen(table, posts[~half]), _unseen(table, posts[half])
    fold = np.random.default_rng(SEED).permutation(len(posts)) % parts
    most = [_unseen(table, posts[fold == number]) for number in range(parts)]
    return {
        "openai_held_out": {"trained_on": f"{parts - 1}/{parts} of the set, pooled"} | _ranking(*_pool(most)),
        "openai_halves": {
            "train A, test B": _ranking(*a_to_b),
            "train B, test A": _ranking(*b_to_a),
            "pooled": _ranking(*_pool([a_to_b, b_to_a])),
        },
    }


def measure_clean(folder: Path) -> dict[str, Any]:
    """The share of clean held-out posts that the shipped weights send to people, at the recommended thresholds."""
    analyzer, policies = LocalAnalyzer(), balanced()
    lines = (Path(__file__).parent / "everyday.txt").read_text(encoding="utf-8").splitlines()
    held = [e for e in read(folder) if e.held and e.labels.get("any") == 0]
    held += [Example(line, {}, "everyday", held=True) for line in lines if line]
    rates = {}
    for source in dict.fromkeys(e.source for e in held):
        texts = [e.text for e in held if e.source == source]
        verdicts = [judge(analyzer.analyze(Post(t), policies), policies) for t in texts]
        rates[source] = {
            "rows": len(texts),
            "to_people": round(sum(v.suspect for v in verdicts) / len(texts), 4),
            "because_of_language": round(sum(v.to_people == "language" for v in verdicts) / len(texts), 4),
        }
    return rates


def balanced() -> PolicySet:
    """A policy set with the recommended thresholds and nothing else."""
    limits = json.loads((WEIGHTS / "thresholds.json").read_text(encoding="utf-8"))
    scale = ("none", "low", "medium", "high", "critical")
    return PolicySet("balanced", "1", tuple(Policy(p, p, p, scale, at, (), ()) for p, at in limits.items()))


def _unseen(table: Table, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels and review scores of rows, by a model fitted without them and without anything held out."""
    use = np.array([not e.held for e in table.examples])
    use[test] = False
    fitting, rows = table.take(np.flatnonzero(use)), table.take(test)
    base, stack = fit_base(fitting), fit_stack(fitting, out_of_fold(fitting))
    features = np.concatenate([base_logits(base, rows), rows.signals], axis=1)
    scores = sigmoid(features @ stack.weights.T + stack.bias)
    scores[:, ANY] = (scores[:, ANY] + scores[:, CATEGORIES].max(axis=1)) / 2
    return rows.labels, scores


def _pool(parts: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _ranking(labels: np.ndarray, scores: np.ndarray) -> dict[str, Any]:
    truth, any_score = labels[:, HEADS.index("any")], scores[:, ANY]
    by_category = {}
    for column, head in enumerate(OUTPUTS):
        known = labels[:, HEADS.index(head)] >= 0
        if head != "any" and known.any():
            precision = average_precision_score(labels[known, HEADS.index(head)], scores[known, column])
            by_category[head] = round(float(precision), 3)
    return {
        "rows": len(truth),
        "positive": int(truth.sum()),
        "auprc": round(float(average_precision_score(truth, any_score)), 4),
        "auroc": round(float(roc_auc_score(truth, any_score)), 4),
        "recall_at_25": round(float((any_score[truth == 1] >= 0.25).mean()), 3),
        "flagged_at_25": round(float((any_score[truth == 0] >= 0.25).mean()), 3),
        "auprc_by_category": by_category,
    }
