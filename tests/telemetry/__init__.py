"""What an operator sees, and what nobody may see there."""
