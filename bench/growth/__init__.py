"""What becomes of every hot statement when the database has grown: its time, and its plan."""
