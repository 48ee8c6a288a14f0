"""The history of streams, event by event."""
