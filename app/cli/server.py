"""A running service that a command asks in place of the database."""

import os
from pathlib import Path

from msgspec import Struct


class Server(Struct, frozen=True):
    """A running service, and the token by which it is asked."""

    url: str
    token: str

    def __repr__(self) -> str:
        """Without the token, for logs."""
        return f"Server(url={self.url!r})"


def token_in(file: Path) -> str:
    """The token that a file holds. Raises UnusableFile."""
    from app.maintenance.secret_file import UnusableFile, read_secret

    shown = os.fspath(file)
    try:
        token = read_secret(file).strip()
    except UnicodeDecodeError as error:
        raise UnusableFile(f"{shown} holds no text") from error
    except OSError as error:
        raise UnusableFile(f"The token's file cannot be read: {error}") from error
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise UnusableFile(f"{shown} should hold a token, as `sessionary tokens add` prints it")
    return token
