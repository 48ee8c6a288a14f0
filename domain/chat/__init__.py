"""Chat sessions: their decisions and their fold."""
