"""A failure that all waiters behind it would meet as well."""


class Outage(Exception):
    """Raised for all waiters of the same thing: each would only wait as long to find out."""
