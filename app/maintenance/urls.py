"""The database's URLs as they are given: with the password of a file put in."""

from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from app.maintenance.password_file import password_in

NO_URL = (
    "The database URL cannot be understood: it has the form postgresql://user:password@host:5432/"
    "name, with special characters of the password as %XX"
)


class UnusableDatabase(Exception):
    """The given database location is unusable; the message says why."""


def with_password(url: str, password_file: Path | None) -> str:
    """The URL with the password that a file holds. Raises UnusableDatabase, or UnusableFile."""
    if not url:
        raise UnusableDatabase("The database URL is empty")
    if password_file is None:
        return url
    password = quote(password_in(password_file), safe="")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise UnusableDatabase(NO_URL) from None
    user, _, host = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{name}:{password}@{host}"))
