"""Waiting, batching and caching within one event loop; knows nothing of the service."""
