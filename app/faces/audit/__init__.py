"""The face of auditors: history, states of the past, provenance, the feed, and who had access."""
