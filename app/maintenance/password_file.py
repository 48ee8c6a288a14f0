"""A file that holds a password."""

import os
from pathlib import Path

from app.maintenance.secret_file import UnusableFile, read_secret

FIRST_FILE = "first-password"
"""Holds the generated password of the first administrator, beside the data."""


def password_in(file: Path) -> str:
    """The password that a file holds. Raises UnusableFile, also for an empty file."""
    try:
        password = read_secret(file).strip()
    except UnicodeDecodeError as error:
        raise UnusableFile(f"{file} holds no text") from error
    except OSError as error:
        raise UnusableFile(f"The password file cannot be read: {error}") from error
    if not password:
        raise UnusableFile(f"{file} is empty, it should hold a password")
    return password


def keep_password(file: Path, password: str) -> None:
    """Write a password to a file that only its owner may read. Raises UnusableFile."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)  # of a start that failed; never through a link
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w") as text:
            text.write(f"{password}\n")
            text.flush()
            os.fsync(handle)
    except OSError as error:
        raise UnusableFile(f"The first password cannot be written to {file}: {error}") from error
