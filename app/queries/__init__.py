"""The read side: rows of the views, one by one and in lists."""
