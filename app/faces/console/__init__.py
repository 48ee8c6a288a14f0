"""The start page, signing in and out by a form, and the files that all pages load."""
