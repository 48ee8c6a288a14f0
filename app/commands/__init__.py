"""The write side: from a command to its append and its answer."""
