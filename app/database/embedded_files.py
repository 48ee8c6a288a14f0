"""Files of the embedded PostgreSQL: opened and written without following anybody's links.

Root may run it under another account, which can then put a link in the place of any file of its
own folder: what root writes or reads there must be that folder's own file.
"""

import os
import pwd
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

_PLAIN = os.O_NOFOLLOW | os.O_CLOEXEC
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class EmbeddedUnavailable(OSError):
    """The embedded PostgreSQL is unavailable; an OSError, as for any unreachable database."""


@contextmanager
def explained(home: Path) -> Iterator[None]:
    """Turn errors of the operating system into EmbeddedUnavailable."""
    try:
        yield
    except EmbeddedUnavailable:
        raise
    except (OSError, KeyError, psutil.Error, subprocess.SubprocessError) as error:
        raise EmbeddedUnavailable(f"PostgreSQL in {home} cannot be used: {error}") from error


def require_private(home: Path) -> None:
    """Refuse a data directory in which another account could put links. Raises OSError too."""
    found = home.stat()
    if found.st_uid not in (os.geteuid(), 0):
        raise EmbeddedUnavailable(
            f"The data directory {home} belongs to the account {account(found.st_uid)}: "
            "run as that account"
        )
    if found.st_mode & _OTHERS_WRITE:
        raise EmbeddedUnavailable(
            f"The data directory {home} can be written by other accounts: chmod go-w {home}"
        )
    for parent in home.parents:
        mode = parent.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise EmbeddedUnavailable(
                f"Every account can put another folder in the place of {home}, because {parent} "
                f"can be written by all: chmod o-w {parent}"
            )


def require_own(files: Path, owner: int, stand_in: str) -> None:
    """Refuse another account's files, or a link; PostgreSQL would only fail to open a file.

    `stand_in`: the account that runs PostgreSQL for root.
    """
    try:
        found = files.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode):
        raise EmbeddedUnavailable(
            f"{files} is not a folder but a link or a file: name the folder that holds it as the "
            "data directory"
        )
    if found.st_uid != owner:
        name = account(found.st_uid)
        name = "root" if name == stand_in else name
        raise EmbeddedUnavailable(
            f"The data directory {files.parent} belongs to the account {name}: run as that account"
        )


def account(number: int) -> str:
    """The name of an account, or else its number in words."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"number {number}"


def open_lock(path: Path) -> int:
    """A descriptor of a lock file of ours, which is made if necessary."""
    opened = os.open(path, os.O_RDWR | os.O_CREAT | _PLAIN, 0o600)
    if not _is_only_name(opened, os.geteuid()):
        os.close(opened)
        raise EmbeddedUnavailable(f"{path} should be a lock file of this account, and is not")
    return opened


def _is_only_name(opened: int, owner: int) -> bool:
    """Whether a descriptor is of an owner's file under its only name.

    A second name is a hard link: it could make one of the owner's other files of this one.
    """
    found = os.fstat(opened)
    return stat.S_ISREG(found.st_mode) and found.st_uid == owner and found.st_nlink == 1


def read(path: Path, owner: int, *, secret: bool = False) -> str:
    """The text of a file of an owner alone. Raises OSError for a link or another's file.

    `secret`: also for one that others can open.
    """
    opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | _PLAIN)
    if not _is_only_name(opened, owner):
        os.close(opened)
        raise EmbeddedUnavailable(f"{path} should be a file of PostgreSQL, and is not")
    with os.fdopen(opened, errors="replace") as file:
        if secret and os.fstat(opened).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise EmbeddedUnavailable(
                f"{path} holds a secret and other accounts can open it: chmod 600 {path}"
            )
        return file.read()


def write(path: Path, text: str, owner: int, group: int) -> None:
    """Write a file for the server, completely or not at all; whatever had its name is replaced."""
    new = path.with_name(f"{path.name}.new")
    with suppress(FileNotFoundError):
        new.unlink()
    opened = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN, 0o600)
    with os.fdopen(opened, "w") as file:
        file.write(text)
        file.flush()
        os.fchown(opened, owner, group)
    new.replace(path)


def make_private(folder: Path, owner: int, group: int) -> None:
    """Create the socket's folder under /tmp; refuse one that somebody else created before."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        os.chown(folder, owner, group, follow_symlinks=False)
    found = folder.lstat()
    if found.st_uid != owner or found.st_mode != stat.S_IFDIR | 0o700:
        raise EmbeddedUnavailable(
            f"{folder} should be a private folder of account {owner} and is not: "
            "remove it, or choose a data directory with a shorter name."
        )


def let_through(*folders: Path) -> None:
    """Let PostgreSQL's account pass through to these folders, if root keeps it out.

    Grants passing (x), not listing (r), and through root's own folders only. The wheel's
    `ensure_prefix_permissions` would also allow listing to everybody, even in /root.
    """
    for passed in {passed for folder in folders for passed in (folder, *folder.parents)}:
        found = passed.stat()
        mode = stat.S_IMODE(found.st_mode)
        if found.st_uid == 0 and not mode & stat.S_IXOTH:
            passed.chmod(mode | stat.S_IXOTH)
