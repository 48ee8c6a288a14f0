"""Who may log in to the embedded PostgreSQL: its owner with a password, the service without one.

The password is in a file beside the data that only the account itself can read. Commands of the
operator and the start of `serve` read it; workers have a login that needs none.
"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from app.database.embedded_files import read
from app.database.rights import SQL
from app.database.scram import verifier

OWNER_FILE = "owner.password"  # in the data directory


def rules(owner: str) -> str:
    """The lines of pg_hba.conf: only one account of this machine gets in (the kernel names it).

    As the owner it needs the password too: a connection string that somebody else had a say in
    does not become the owner's.
    """
    kinds = "all,replication"
    return f"local {kinds} {owner} scram-sha-256\nlocal {kinds} all peer map=caller\n"


def set_password(owner: str, password: str) -> str:
    """The statement that gives the owner its password, on a line."""
    statement = SQL["owner_password"].format(owner=owner, verifier=verifier(password))
    return f"{statement.splitlines()[-1]}\n"


def password_in(home: Path) -> str | None:
    """The owner's password; None where none was given yet. Raises OSError."""
    try:
        return read(home / OWNER_FILE, os.geteuid(), secret=True).strip() or None
    except FileNotFoundError:
        return None


def keep_password(home: Path, password: str) -> None:
    """Write the owner's password to its file, whole or not at all. Raises OSError."""
    number, new = tempfile.mkstemp(prefix=f".{OWNER_FILE}.", dir=home)  # 0600
    try:
        with os.fdopen(number, "w") as file:
            file.write(f"{password}\n")
            file.flush()
            os.fsync(number)
        Path(new).replace(home / OWNER_FILE)
    finally:
        with suppress(FileNotFoundError):
            Path(new).unlink()
