"""Local servers that speak the real protocols of services Guardian talks to."""
