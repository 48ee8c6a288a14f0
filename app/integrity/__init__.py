"""Checks that the log and the views are as they should be."""
