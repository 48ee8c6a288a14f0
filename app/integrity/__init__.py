"""Whether the log and the views are what they should be."""
