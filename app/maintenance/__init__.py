"""What commands work on: the database, and the master key."""
