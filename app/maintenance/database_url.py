"""The database's URL, completed with a password that is given elsewhere."""

from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from app.maintenance.password_file import password_in

NO_URL = (
    "The database URL cannot be understood: it has the form postgresql://user:password@host:5432/"
    "name, with special characters of the password as %XX"
)


class UnusableDatabase(Exception):
    """The given database location is unusable; the message says why."""


def with_password(url: str, password: str | None, password_file: Path | None) -> str:
    """The URL with the password of a file, or else with another if it has none itself.

    Raises UnusableDatabase or UnusableFile.
    """
    if not url:
        raise UnusableDatabase("The database URL is empty")
    given = password if password_file is None else password_in(password_file)
    if not given:
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        raise UnusableDatabase(NO_URL) from None
    user, _, host = parts.netloc.rpartition("@")
    name, _, present = user.partition(":")
    if password_file is None and (present or "password" in parse_qs(parts.query)):
        return url
    if not name:  # the user is named elsewhere
        return f"{url}{'&' if parts.query else '?'}password={quote(given, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{name}:{quote(given, safe='')}@{host}"))
