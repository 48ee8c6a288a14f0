"""The `$skiptoken` of a link to the next page: the end of this one, opaque to clients."""

import base64
import binascii
from collections.abc import Sequence
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


_DECODER = msgspec.json.Decoder(_Token)


def write_token(order: str, after: Sequence[Key]) -> str:
    """The token for a list in an order, after the row with the given keys."""
    text = msgspec.json.encode(_Token(order, list(after)))
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def read_token(token: str, order: str, types: Sequence[type[Key]]) -> list[Key]:
    """The keys in a token, each of its type. Raises BadInput for a token of another order."""
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        found = json_text.decode(_DECODER, text)
    except (binascii.Error, ValueError, BadInput):
        pass
    else:
        if found.order == order and [type(key) for key in found.after] == list(types):
            return found.after
    raise BadInput("The $skiptoken is not one of this list in this order", field="$skiptoken")
