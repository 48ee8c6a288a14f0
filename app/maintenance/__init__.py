"""The resources that commands work on: the database, and the master key."""
