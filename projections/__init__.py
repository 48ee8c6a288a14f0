"""Read views folded from the log, one a file. Pure: the SQL beside each is text for `app` to run."""
