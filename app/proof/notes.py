"""Signed notes, checkpoints and cosignatures, in the bytes of the C2SP formats.

These are signed-note, tlog-checkpoint and tlog-cosignature. Only the standard library and
`cryptography` are imported: this is a part of the verifier that is handed out.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from typing import NamedTuple, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.proof.trees import EMPTY_ROOT, HASH_BYTES, MAX_SIZE, Unproven

ED25519, COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44 = 0x01, 0x04, 0x06
"""The types of signatures that are known here."""
MAX_NOTE_BYTES = 1 << 20
MAX_SIGNATURES = 100
KEY_BYTES = {ED25519: 32, COSIGNATURE_ED25519: 32, COSIGNATURE_ML_DSA_44: 1312}
_SIGNATURE_BYTES = {ED25519: 64, COSIGNATURE_ED25519: 64, COSIGNATURE_ML_DSA_44: 2420}
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_LAST_SIGNATURE = re.compile("^— .*\n(?!— )".encode(), re.MULTILINE)
_VKEY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+(.+)")


class Signature(NamedTuple):
    """A line of signature."""

    name: str
    """Of the key."""
    key_id: bytes
    value: bytes

    def __str__(self) -> str:
        """The line, with its end."""
        return f"— {self.name} {base64_text(self.key_id + self.value)}\n"


class Checkpoint(NamedTuple):
    """What a log says of its tree."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()
    """Further lines, which mean nothing here."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The checkpoint in a note's text. Raises Unproven."""
        lines = text.removesuffix("\n").split("\n")
        if len(lines) < 3 or not all(lines) or not text.endswith("\n"):
            raise Unproven("A checkpoint has an origin, a size and a root, and no empty lines")
        origin, size, root, *more = lines
        found = cls(origin, decimal(size, "size"), from_base64(root, "root"), tuple(more))
        if len(found.root) != HASH_BYTES:
            raise Unproven(f"The root of a checkpoint has {HASH_BYTES} bytes")
        if not found.size and found.root != EMPTY_ROOT:
            raise Unproven("The checkpoint has the size 0, but not the root of the empty tree")
        return found

    def __str__(self) -> str:
        """The text of its note."""
        lines = (self.origin, str(self.size), base64_text(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


class VerifierKey(NamedTuple):
    """A public key with its name."""

    name: str
    type: int
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """The key of a vkey: `name+id+Base64`. Raises Unproven."""
        if "PRIVATE" in vkey:
            raise Unproven("This is a private key, which nobody else may see: give the public one")
        parts = _VKEY.fullmatch(vkey)
        if parts is None or not is_key_name(parts[1]):
            raise Unproven("A key has the form name+id+Base64, with an id of 8 hexadecimal digits")
        material = from_base64(parts[3], "key")
        found = cls(parts[1], material[0] if material else 0, material[1:])
        if found.type not in KEY_BYTES or len(found.public) != KEY_BYTES[found.type]:
            raise Unproven(
                f"The key of {found.name} has a type or a length that is not known here: Ed25519 "
                "(type 1 or 4) and ML-DSA-44 (type 6) are"
            )
        if found.key_id.hex() != parts[2]:
            raise Unproven(
                f"The key of {found.name} has the id {found.key_id.hex()}, not {parts[2]}"
            )
        return found

    def __str__(self) -> str:
        """The vkey."""
        material = base64_text(bytes((self.type,)) + self.public)
        return f"{self.name}+{self.key_id.hex()}+{material}"

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that name it in signatures."""
        named = self.name.encode() + b"\n" + bytes((self.type,)) + self.public
        return hashlib.sha256(named).digest()[:4]

    def message(self, text: str, time_s: int | None) -> bytes:
        """The bytes to sign for a note's text; `time_s`: of a cosignature, since 1970.

        Raises Unproven if this type signs checkpoints only, and the text is none.
        """
        if self.type == ED25519:
            return text.encode()
        checkpoint, time_s = Checkpoint.parse(text), time_s or 0
        if self.type == COSIGNATURE_ED25519:
            return f"cosignature/v1\ntime {time_s}\n{text}".encode()
        names = [each.encode() for each in (self.name, checkpoint.origin)]
        if any(len(name) > 255 for name in names):
            raise Unproven("ML-DSA-44 signs names and origins of 255 bytes at most")
        cosigner, origin = (bytes((len(name),)) + name for name in names)
        end = bytes(8) + checkpoint.size.to_bytes(8, "big") + checkpoint.root
        return b"subtree/v1\n\x00" + cosigner + time_s.to_bytes(8, "big") + origin + end

    def signature(self, signed: bytes, time_s: int | None = None) -> Signature:
        """The line for what the private key made of a `message`."""
        time = b"" if self.type == ED25519 else (time_s or 0).to_bytes(8, "big")
        return Signature(self.name, self.key_id, time + signed)

    def verify(self, text: str, signature: Signature) -> int | None:
        """Show that it signed a note's text; the time that it gave. Raises Unproven."""
        value, time_s = signature.value, None
        if self.type != ED25519:
            time_s, value = int.from_bytes(value[:8], "big"), value[8:]
        if len(value) != _SIGNATURE_BYTES[self.type] or (time_s or 0) > MAX_SIZE:
            raise Unproven(f"The signature of {self.name} has another form than its key")
        try:
            self._verify(value, self.message(text, time_s))
        except (InvalidSignature, ValueError) as error:
            raise Unproven(
                f"The signature of {self.name} is not by its key: it, or the note, was altered"
            ) from error
        return time_s

    def _verify(self, value: bytes, message: bytes) -> None:
        if self.type != COSIGNATURE_ML_DSA_44:
            Ed25519PublicKey.from_public_bytes(self.public).verify(value, message)
            return
        try:
            from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

            MLDSA44PublicKey.from_public_bytes(self.public).verify(value, message)
        except (ImportError, UnsupportedAlgorithm) as error:
            raise Unproven(
                f"The key of {self.name} is of ML-DSA-44, which the installed `cryptography` lacks"
            ) from error


class Note(NamedTuple):
    """A text and who signed it."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        """The note."""
        return f"{self.text}\n{''.join(str(each) for each in self.signatures)}"

    def verified_by(self, keys: Iterable[VerifierKey]) -> dict[VerifierKey, int | None]:
        """Those of the keys that signed it, each with the time that it gave.

        Raises Unproven if none did, if a signature of one of them is wrong, or if one signed twice.
        """
        known = {(key.name, key.key_id): key for key in keys}
        found: dict[VerifierKey, int | None] = {}
        for signature in self.signatures:
            key = known.get((signature.name, signature.key_id))
            if key in found:
                raise Unproven(f"The note has two signatures of one key of {signature.name}")
            if key is not None:
                found[key] = key.verify(self.text, signature)
        if not found:
            names = ", ".join(sorted({key.name for key in known.values()})) or "none"
            raise Unproven(f"The note is not signed by a key that was given ({names})")
        return found


def parse_note(data: bytes) -> Note:
    """The note in some bytes. Raises Unproven for any other form."""
    if len(data) > MAX_NOTE_BYTES:
        raise Unproven(f"The note has more than {MAX_NOTE_BYTES} bytes")
    whole = utf8(data, "note")
    text, blank, signatures = whole.rpartition("\n\n")
    lines = signatures.split("\n")
    if not blank or not signatures or lines.pop():
        raise Unproven("A note has a text, an empty line, and lines of signatures up to its end")
    if len(lines) > MAX_SIGNATURES:
        raise Unproven(f"The note has more than {MAX_SIGNATURES} signatures")
    return Note(text + "\n", tuple(map(parse_signature, lines)))


def parse_notes(data: bytes) -> list[Note]:
    """The notes in some bytes, one behind the other, at least one. Raises Unproven."""
    found, begin = [], 0
    for line in _LAST_SIGNATURE.finditer(data):
        found.append(parse_note(data[begin : line.end()]))
        begin = line.end()
    if not found or begin < len(data):
        found.append(parse_note(data[begin:]))
    return found


def parse_signature(line: str) -> Signature:
    """The signature of a line, without its end. Raises Unproven."""
    dash, _, rest = line.partition(" ")
    name, _, text = rest.partition(" ")
    if dash != "—" or not is_key_name(name):
        raise Unproven("A line of signature is not of the form: dash, name of the key, Base64")
    value = from_base64(text, f"signature of {name}")
    if len(value) < 5:
        raise Unproven(f"The signature of {name} is too short")
    return Signature(name, value[:4], value[4:])


def is_key_name(name: str) -> bool:
    """Whether keys may have that name."""
    return bool(name) and "+" not in name and not any(c.isspace() for c in name)


def base64_text(data: bytes) -> str:
    """Standard Base64."""
    return base64.b64encode(data).decode()


def from_base64(text: str, what: str) -> bytes:
    """The bytes of canonical Base64. Raises Unproven."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if base64_text(found) != text:
        raise Unproven(f"The {what} is not canonical Base64")
    return found


def decimal(text: str, what: str) -> int:
    """A size or an index. Raises Unproven."""
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_SIZE:
        raise Unproven(f"The {what} is not a decimal number without leading zeros, below 2^63")
    return int(text)


def utf8(data: bytes, what: str) -> str:
    """Text without control characters. Raises Unproven."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise Unproven(f"The {what} is not UTF-8 at byte {error.start}") from error
    if found := _CONTROL.search(text):
        at = len(text[: found.start()].encode())
        raise Unproven(f"The {what} has a control character at byte {at}")
    return text
