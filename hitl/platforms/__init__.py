"""Floor 1: where actions land, behind one port; both platforms pass one conformance suite."""
