"""How each system is installed, started, killed and started again."""
