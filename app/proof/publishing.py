"""Second places for checkpoints: files, folders and URLs, each of which keeps what is sent there.

A checkpoint that only its own log holds is lost with the log: whoever cuts off the log's tail takes
the later checkpoints away, too.
"""

import asyncio
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlsplit

import httpx
from msgspec import Struct

from app.maintenance.durable_files import append, put, sync_folder
from app.proof.notes import Checkpoint, parse_note

_URL = re.compile(r"https?://", re.IGNORECASE)
_TYPE = {"Content-Type": "text/plain; charset=utf-8"}
_SIGNATURE = re.compile("^— [^\n]+\n".encode(), re.MULTILINE)
_MODE = 0o644
"""Anybody may read a signed checkpoint."""
_LAST_BYTES = 128 * 1024
"""Of a file, the part that is looked at: the last note is in it."""
_WELL = 2
"""The class of statuses by which a URL says that it has the checkpoint."""


class NotKept(Exception):
    """A place did not take a checkpoint; the message says why."""


class Published(Struct, frozen=True):
    """A checkpoint to be kept."""

    origin: str
    name: str
    """Its size and the beginning of its root: another tree of the size has another name."""
    note: str


def published(note: str) -> Published:
    """A kept note. Raises Unproven."""
    checkpoint = Checkpoint.parse(parse_note(note.encode()).text)
    name = f"{checkpoint.size}-{checkpoint.root[:8].hex()}"
    return Published(checkpoint.origin, name, note)


class SecondPlace(Protocol):
    """Where checkpoints are kept a second time."""

    name: str
    """For metrics and log lines, without secrets."""

    async def keep(self, checkpoint: Published, client: httpx.AsyncClient) -> None:
        """Keep a checkpoint; again, if it was kept before. Raises NotKept."""


def second_place(text: str) -> SecondPlace:
    """A place from its option: a URL, a folder (it exists, or ends in `/`) or a file.

    Raises ValueError.
    """
    if not text.strip() or not text.isprintable():
        raise ValueError("it is empty, or not printable")
    if _URL.match(text):
        return _Url(text)
    if "://" in text:
        raise ValueError("only http:// and https:// are known")
    path = Path(text).absolute()
    return _Folder(path) if text.endswith("/") or path.is_dir() else _File(path)


class _Url:
    """Below a URL that ends in `/`, each checkpoint is PUT; to any other, it is POSTed."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if not parts.hostname or parts.fragment or (parts.query and parts.path.endswith("/")):
            raise ValueError("it is no URL to send to")
        self._url = url
        shown = parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
        self.name = f"{parts.scheme}://{shown}{parts.path}"

    async def keep(self, checkpoint: Published, client: httpx.AsyncClient) -> None:
        verb, url = "POST", self._url
        if url.endswith("/"):
            verb, url = "PUT", f"{url}{quote(checkpoint.origin)}/{checkpoint.name}"
        try:
            request = client.build_request(
                verb, url, content=checkpoint.note.encode(), headers=_TYPE
            )
            answer = await client.send(request, stream=True)
            await answer.aclose()  # whatever it says beside its status
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotKept(str(error) or type(error).__name__) from error
        if answer.status_code // 100 != _WELL:
            raise NotKept(f"the answer is {answer.status_code}")


class _Path:
    """A place on a disk; one thread waits for that, however long it hangs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path)
        self._thread = ThreadPoolExecutor(1, "second place")

    async def keep(self, checkpoint: Published, client: httpx.AsyncClient) -> None:
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._thread, self._write, checkpoint)
        except OSError as error:
            raise NotKept(str(error)) from error

    def _write(self, checkpoint: Published) -> None:
        raise NotImplementedError


class _File(_Path):
    """Each checkpoint is added to the file's end: they stand one behind the other."""

    def _write(self, checkpoint: Published) -> None:
        note = checkpoint.note.encode()
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _MODE)
        try:
            end = os.fstat(handle).st_size
            last = os.pread(handle, _LAST_BYTES, max(0, end - _LAST_BYTES))
            whole = max((each.end() for each in _SIGNATURE.finditer(last)), default=0)
            if torn := last[whole:]:
                _require_own(torn, checkpoint.origin)
                end -= len(torn)
                os.ftruncate(handle, end)
            if not last[:whole].endswith(note):
                append(handle, end, note)
            if not end:
                sync_folder(self._path.parent)
        finally:
            os.close(handle)


def _require_own(torn: bytes, origin: str) -> None:
    """Make sure that what stands behind the last note is the beginning of one of this log.

    A killed process left it. Raises NotKept if the file holds something else.
    """
    log = origin.rpartition("/")[0].encode() + b"/"
    if not (torn.startswith(log) or log.startswith(torn)):
        raise NotKept("the file holds something else than checkpoints of this log")


class _Folder(_Path):
    """Each checkpoint is a file of its own, by its log, its size and its root."""

    def _write(self, checkpoint: Published) -> None:
        folder = self._path / quote(checkpoint.origin, safe="")
        folder.mkdir(parents=True, exist_ok=True)
        put(folder / checkpoint.name, checkpoint.note.encode(), _MODE)
        sync_folder(self._path)
