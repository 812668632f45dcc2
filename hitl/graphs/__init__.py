"""Floor 3: LangGraph, and nowhere else. Graphs propose; the ledger disposes."""
