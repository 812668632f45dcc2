"""The front desk: FastAPI, and nowhere else."""
