"""What waits for what, within one event loop; nothing of the service is known here."""
