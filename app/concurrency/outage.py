"""A failure that whoever waits behind it would meet as well."""


class Outage(Exception):
    """Raised to all who wait for the same thing: each would only wait as long to find out."""
