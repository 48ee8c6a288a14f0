"""A file that holds a password."""

from pathlib import Path

from app.maintenance.secret_file import UnusableFile, read_secret


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
