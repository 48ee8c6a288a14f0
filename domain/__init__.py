"""What can happen to sessions and accounts: commands, events, decisions. Pure: no I/O, no clock."""
