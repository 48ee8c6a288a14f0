"""A file that is sealed in blocks (AES-256-GCM), as it is written and as it is read.

Each block's nonce has its number, and whether it is the last one: a file that was cut off, or whose
blocks were reordered, does not open. A key is for one file alone.
"""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_BLOCK = 1 << 20
_TAG_BYTES = 16
_NUMBER_BYTES = 11


class Damaged(Exception):
    """A sealed file was altered, or is of another key."""


class Sealing:
    """Writes a file."""

    def __init__(self, path: Path, key: bytes) -> None:
        """`key`: 32 bytes that seal nothing else. Raises OSError."""
        self._file = path.open("xb")
        self._cipher = AESGCM(key)
        self._waiting = bytearray()
        self._number = 0

    def write(self, text: bytes) -> None:
        """Add to the file. Raises OSError."""
        self._waiting += text
        while len(self._waiting) > _BLOCK:  # one block is kept back: it may be the last
            self._seal(bytes(self._waiting[:_BLOCK]), is_last=False)
            del self._waiting[:_BLOCK]

    def finish(self) -> None:
        """End the file. Raises OSError."""
        self._seal(bytes(self._waiting), is_last=True)

    def _seal(self, text: bytes, *, is_last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, is_last), text, None))
        self._number += 1

    def __enter__(self) -> "Sealing":
        """The file, which is closed at the end."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self._file.close()


def opened(path: Path, key: bytes) -> Iterator[bytes]:
    """The blocks of a file. Raises Damaged, OSError."""
    cipher, number = AESGCM(key), 0
    with path.open("rb") as file:
        block = file.read(_BLOCK + _TAG_BYTES)
        while True:
            following = file.read(_BLOCK + _TAG_BYTES)
            try:
                yield cipher.decrypt(_nonce(number, not following), block, None)
            except InvalidTag as error:
                raise Damaged(f"{path} was altered, or is of another key") from error
            if not following:
                return
            block, number = following, number + 1


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(_NUMBER_BYTES, "big") + bytes([is_last])
