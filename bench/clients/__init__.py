"""How each system's users talk to it, by the best means that it offers."""
