"""Floor 2: one function = one verb = one transaction. Decide, record, follow up."""
