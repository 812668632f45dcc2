"""Guardian's core: domain, store, operations and graphs; it knows neither HTTP nor a broker."""
