"""The ServiceStack-style API on the wire: its DTOs, its operations, and how requests are bound."""
