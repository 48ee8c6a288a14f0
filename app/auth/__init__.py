"""Identifies callers: principals, passwords, sign-ins, and the limits of guessing."""
