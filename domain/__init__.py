"""The commands, events and decisions of sessions and accounts. Pure: no I/O, no clock."""
