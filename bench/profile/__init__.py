"""Where a case's CPU time goes: by part of each Python process, and by statement in Postgres."""
