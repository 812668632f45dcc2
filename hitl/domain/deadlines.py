"""Time limits, as lengths; whether one has passed is asked of the database's clock."""

APPEAL_DAYS = 184  # the six months of DSA Article 20, and a little
IDEMPOTENCY_HOURS = 24
CHECKPOINT_DAYS = 30
