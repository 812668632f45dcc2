"""The embedded analyzer: a small linear classifier with rules, shipped with its weights."""

from hitl.analyzers.local.analyzer import LocalAnalyzer

__all__ = ["LocalAnalyzer"]
