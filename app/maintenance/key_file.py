"""The file that holds the master key."""

import base64
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from app.log.errors import WrongMasterKey
from app.log.stream_keys import KEY_BYTES
from app.maintenance.durable_files import sync_folder
from app.maintenance.secret_file import read_secret


def keep(path: Path, key: bytes) -> None:
    """Write a key to disk under its name, whole or not at all; a file that came first stays.

    Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.") as file:  # 0600
        file.write(base64.b64encode(key) + b"\n")
        file.flush()
        os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(file.name, path)
    sync_folder(path.parent)


def read(path: Path) -> bytes:
    """The key that a file holds. Raises WrongMasterKey for no key, UnusableFile, or OSError."""
    try:
        text = read_secret(path).strip()
        key = base64.b64decode(text, validate=True)
    except ValueError as error:  # not base64, or not even text
        raise WrongMasterKey(f"{path} holds no base64: {error}") from error
    if not text:
        raise WrongMasterKey(
            f"{path} is empty, it should hold the master key: put it back from a copy, or remove "
            "the file if this log is new"
        )
    if len(key) != KEY_BYTES:
        raise WrongMasterKey(f"{path} holds {len(key)} bytes, a master key has {KEY_BYTES}")
    return key
