"""How the weights of the local analyzer are made: `python -m training FOLDER`. Needs the extra `train`."""
