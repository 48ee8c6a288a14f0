"""Followers: what is folded from the log behind the appends, and catches up with them in order."""
