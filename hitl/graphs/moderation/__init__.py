"""The built-in graph: analyze, ask people, carry out, roll back."""
