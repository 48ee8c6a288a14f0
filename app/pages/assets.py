"""The files that pages load, at addresses that change with their content."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from msgspec import Struct

FOLDER = "/assets"
"""Path of all of them."""
_TYPES = {
    "style.css": b"text/css; charset=utf-8",
    "console.js": b"text/javascript; charset=utf-8",
    "icon.svg": b"image/svg+xml",
}
_HASH_CHARACTERS = 16


class Asset(Struct, frozen=True):
    """A file, and its name with the hash of its content."""

    name: str
    body: bytes
    content_type: bytes


def url_of(name: str) -> str:
    """The address of a file that is part of the pages."""
    return f"{FOLDER}/{_by_plain_name()[name].name}"


@cache
def assets() -> Mapping[str, Asset]:
    """All files, by their names with hashes."""
    return {asset.name: asset for asset in _by_plain_name().values()}


@cache
def _by_plain_name() -> Mapping[str, Asset]:
    return {name: _read(name) for name in _TYPES}


def _read(name: str) -> Asset:
    body = Path(__file__).with_name(name).read_bytes()
    stem, _, ending = name.partition(".")
    content = hashlib.sha256(body).hexdigest()[:_HASH_CHARACTERS]
    return Asset(f"{stem}-{content}.{ending}", body, _TYPES[name])
