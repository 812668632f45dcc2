"""Floor 0: what is true about cases, reviews and actions. Pure: no I/O, no clock, no ids made here."""
