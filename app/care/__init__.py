"""Care of the log as a whole: its master key, copies of it, and its return from them."""
