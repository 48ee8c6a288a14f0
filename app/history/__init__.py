"""What happened to a stream, event by event."""
