"""The ServiceStack-style API: AI sessions."""
