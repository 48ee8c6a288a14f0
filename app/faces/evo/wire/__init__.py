"""The ServiceStack-style API on the wire: its DTOs, its operations, and the binding of requests."""
