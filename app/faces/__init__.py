"""The APIs of the service."""
