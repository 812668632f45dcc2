"""Any LangChain chat model as an analyzer: written policies in, a closed verdict out, people whenever it fails."""

from hitl.analyzers.chat_model.analyzer import ChatModelAnalyzer

__all__ = ["ChatModelAnalyzer"]
