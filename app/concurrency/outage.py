"""A failure that all who wait behind it would meet as well."""


class Outage(Exception):
    """Raised for all who wait for the same thing: each would only wait as long to find out."""
