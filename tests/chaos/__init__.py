"""Pulling the plug: a witness that is never killed, a client that forgets nothing, faults, and checkers."""
