"""A file that holds a password."""

from pathlib import Path


class UnusableFile(Exception):
    """The password file holds no usable password; the message says why."""


def password_in(file: Path) -> str:
    """The password that a file holds. Raises UnusableFile, also for an empty file."""
    try:
        password = file.read_text().strip()
    except UnicodeDecodeError as error:
        raise UnusableFile(f"{file} holds no text") from error
    except OSError as error:
        raise UnusableFile(f"The password file cannot be read: {error}") from error
    if not password:
        raise UnusableFile(f"{file} is empty, it should hold a password")
    return password
