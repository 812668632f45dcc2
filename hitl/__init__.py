"""Guardian's core: domain, store, operations and graphs; it knows neither HTTP nor a broker."""

import os

# LangGraph reads this when it is imported, wherever that happens first: a forged checkpoint row must not run code.
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
