"""Keys of personal data, one per stream, wrapped by the master key; and of secrets in views."""

import hmac
import os
from collections.abc import Callable
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.log.errors import Unreadable
from domain.ids import StreamId

KEY_BYTES = 32
NONCE_BYTES = 12
Decrypt = Callable[[bytes, bytes, bytes | None], bytes]
"""Opens a ciphertext, given a nonce, the ciphertext and the bytes that it is bound to."""
_SIV_KEY_BYTES = 64


_aes_gcm = lru_cache(1_024)(AESGCM)
"""OpenSSL takes 2,400 bytes each, so only recently used ones are kept. A new one costs 2 µs."""


class StreamCipher:
    """Seals and opens texts under one key (AES-256-GCM); each sealed text carries its nonce."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        """`key`: 32 bytes."""
        self._key = key

    def seal(self, text: bytes, bound_to: bytes) -> bytes:
        """Nonce and ciphertext; they open only with the same `bound_to`."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + _aes_gcm(self._key).encrypt(nonce, text, bound_to)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        """The text. Raises Unreadable unless key, ciphertext and binding are those of `seal`."""
        try:
            nonce, text = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
            return _aes_gcm(self._key).decrypt(nonce, text, bound_to)
        except (InvalidTag, ValueError) as error:  # ValueError: too short for a nonce
            raise Unreadable("a sealed text was altered, or its key is another") from error


class Keyring:
    """Makes and unwraps the keys of streams."""

    def __init__(self, master_key: bytes) -> None:
        """`master_key`: 32 bytes."""
        self._master = StreamCipher(master_key)
        self._master_cipher = AESGCM(master_key)
        self._fingerprint_key = _derived(master_key, b"sessionary fingerprint", KEY_BYTES)
        self._in_views = AESSIV(_derived(master_key, b"sessionary views", _SIV_KEY_BYTES))

    def new(self, stream: StreamId) -> tuple[StreamCipher, bytes]:
        """A fresh box for a stream, and its wrapped key, as the log keeps it."""
        key = os.urandom(KEY_BYTES)
        return StreamCipher(key), self._master.seal(key, stream.bytes)

    def unwrap(self, stream: StreamId, wrapped: bytes) -> StreamCipher:
        """The box of a stream from its wrapped key. Raises Unreadable."""
        try:
            return StreamCipher(self._master.open(wrapped, stream.bytes))
        except Unreadable as error:
            raise Unreadable(
                "the stream's key was altered, or the master key is another"
            ) from error

    def unsealing(self, stream: StreamId, wrapped: bytes) -> Decrypt:
        """As `unwrap` and `open`, for many streams read once: it costs half, caches nothing, and
        raises the cipher's own errors.
        """
        master = self._master_cipher.decrypt
        key = master(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], stream.bytes)
        return AESGCM(key).decrypt

    def fingerprint(self, text: bytes) -> bytes:
        """A keyed hash of possibly personal data: only the master key can confirm a guess."""
        return hmac.digest(self._fingerprint_key, text, "sha256")

    def seal_in_view(self, stream: StreamId, view: str, member: str, text: str) -> bytes:
        """A text of a row's document, sealed for its place.

        The same text gives the same bytes (AES-256-SIV): rows are compared with the fold.
        """
        return self._in_views.encrypt(text.encode(), _place(stream, view, member))

    def open_in_view(self, stream: StreamId, view: str, member: str, sealed: bytes) -> str:
        """The text. Raises Unreadable unless master key and place are those of the seal."""
        try:
            return self._in_views.decrypt(sealed, _place(stream, view, member)).decode()
        except InvalidTag as error:
            raise Unreadable(
                f"{member} was altered or is another row's, or the master key is another"
            ) from error

    def check_value(self) -> str:
        """A text that only this master key opens; the log recognises the key by it."""
        return self._master.seal(b"sessionary", b"check value").hex()

    def made(self, check_value: str) -> bool:
        """Whether `check_value` was made with this master key."""
        try:
            return self._master.open(bytes.fromhex(check_value), b"check value") == b"sessionary"
        except (Unreadable, ValueError):  # altered, or not made by any key
            return False


def _place(stream: StreamId, view: str, member: str) -> list[bytes]:
    return [stream.bytes, view.encode(), member.encode()]


def _derived(master_key: bytes, purpose: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt=None, info=purpose).derive(master_key)
