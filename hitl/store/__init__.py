"""Floor 1: the only SQL. One module per noun; each function is handed the transaction it runs in."""
