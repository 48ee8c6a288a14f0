"""Chat sessions, as they are decided and folded."""
