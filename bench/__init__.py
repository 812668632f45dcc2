"""The side-by-side benchmark: Guardian and what somebody would pick instead, on the same work, in the same run."""
