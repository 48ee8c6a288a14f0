"""The APIs that are served."""
