"""The database's URLs as they are given: completed with a password, and who can listen to them."""

import ipaddress
import os
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit, urlunsplit

from app.maintenance.password_file import password_in

NO_URL = (
    "The database URL cannot be understood: it has the form postgresql://user:password@host:5432/"
    "name, with special characters of the password as %XX"
)


_CHECKED = frozenset({"require", "verify-ca", "verify-full"})


class UnusableDatabase(Exception):
    """The given database location is unusable; the message says why."""


def with_password(url: str, password_file: Path | None, password: str | None = None) -> str:
    """The URL with the password of a file, or else with another if it has none itself.

    Raises UnusableDatabase, or UnusableFile.
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


def in_the_clear(url: str) -> str | None:
    """A warning if the connection to another machine may be read there and on the way; else None.

    Unless it is told otherwise, the driver takes `sslmode=prefer`: no TLS if the server has none.
    """
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query)
    except ValueError:
        return None  # the driver will refuse it
    mode = query.get("sslmode", [os.environ.get("PGSSLMODE", "prefer")])[-1]
    named = query.get("host") or [unquote(parts.netloc.rpartition("@")[2])]
    away = [host for host in named[-1].split(",") if not _is_here(host)]
    if mode in _CHECKED or not away:
        return None
    return (
        f"Nothing protects the connection to the database on {', '.join(away)} (sslmode={mode}): "
        "end its URL with ?sslmode=verify-full&sslrootcert=FILE"
    )


def _is_here(host: str) -> bool:
    """Whether a host in a URL, with its port or not, is this machine; a folder is, for sockets."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host
    if name.count(":") == 1:
        name = name.partition(":")[0]
    if not name or name.startswith(("/", "@")) or name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
