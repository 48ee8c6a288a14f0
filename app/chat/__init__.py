"""Chat sessions: commands, messages, the queue, numbers."""
