"""What is typed: one module a command, and what they share."""
