"""Rebuilding: folds the log into fresh tables beside the live ones."""
