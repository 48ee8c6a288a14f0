"""The `$skiptoken` of a link to the next page: the end of this one, opaque to clients."""

import base64
import binascii
from collections.abc import Sequence
from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from app.codecs import json_text
from app.codecs.json_text import BadInput

Key = str | int
"""A row's value in a column of the order."""


class _Token(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    order: str
    after: list[str | Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]]
    day: date | None = None


_DECODER = msgspec.json.Decoder(_Token)


def write_token(order: str, after: Sequence[Key], day: date | None = None) -> str:
    """The token for a list in an order, after the row with the given keys.

    `day`: what counts as today in a list of the past, on all of its pages.
    """
    parts = [order, list(after)] if day is None else [order, list(after), day]
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def read_token(token: str, order: str, types: Sequence[type[Key]]) -> list[Key]:
    """The keys in a token, each of its type. Raises BadInput for a token of another order."""
    found = _read(token)
    if found is None or found.order != order or [*map(type, found.after)] != list(types):
        raise BadInput("The $skiptoken is not one of this list in this order", field="$skiptoken")
    return found.after


def day_of(token: str) -> date | None:
    """What counts as today in the list of a token; None: the token does not say."""
    found = _read(token)
    return None if found is None else found.day


def _read(token: str) -> _Token | None:
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        return json_text.decode(_DECODER, text)
    except (binascii.Error, ValueError, BadInput):
        return None
