"""The service's parts on a real PostgreSQL."""
