"""The pages of auditors: events, one event, a session through time, who had access."""
