"""Passwords of logins as PostgreSQL keeps them (SCRAM-SHA-256), so that no statement shows one."""

import base64
import hashlib
import hmac
import secrets
import stringprep
import unicodedata

_ITERATIONS = 4096
"""PostgreSQL's own number. The passwords that this project makes are long and random."""


def verifier(password: str) -> str:
    """What PostgreSQL stores for a password: only its owner can prove to know it."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", _prepared(password).encode(), salt, _ITERATIONS)
    stored = hashlib.sha256(_signed(salted, b"Client Key")).digest()
    server = _signed(salted, b"Server Key")
    parts = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return "SCRAM-SHA-256${}:{}${}:{}".format(_ITERATIONS, *parts)


def _signed(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")


def _prepared(password: str) -> str:
    """A password as clients normalise it (RFC 4013)."""
    mapped = (" " if stringprep.in_table_c12(char) else char for char in password)
    kept = "".join(char for char in mapped if not stringprep.in_table_b1(char))
    return unicodedata.normalize("NFKC", kept)
