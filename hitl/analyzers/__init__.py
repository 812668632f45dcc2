"""Floor 1: what reads a post and says which policies it may break, behind one port."""
