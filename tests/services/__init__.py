"""The real programs that tests run against, each private to the session: nothing is mocked, nothing is shared."""
