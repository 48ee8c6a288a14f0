"""The event log over asyncpg: append, read a stream, read the feed. Knows no HTTP."""
