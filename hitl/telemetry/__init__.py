"""What an operator sees: logs, metrics and traces. They carry ids, enums and numbers, never what people wrote."""
