"""In what a request's body is written, and in what its answer is to be.

Patches have media types of their own; what is in a body shows by its shape, so they say no more
than JSON. An answer bears the type that was asked for.
"""

from codecs import BOM_UTF8
from functools import lru_cache

from app.codecs.formats import JSON, XML, Format, UnknownType, accepted, media_type, of_suffix
from app.codecs.json_text import BadInput

JSON_TYPES = (
    *JSON.media_types,
    "application/json-patch+json",
    "application/merge-patch+json",
)
FORM = Format(
    name="form",
    media_types=("application/x-www-form-urlencoded",),
    content_type=b"application/x-www-form-urlencoded",
)
"""Of requests only."""

_ANSWERS = dict.fromkeys(JSON_TYPES, JSON) | dict.fromkeys(XML.media_types, XML)
_REQUESTS = _ANSWERS | dict.fromkeys(FORM.media_types, FORM)
_WILDCARDS = {"*/*": JSON_TYPES[0], "application/*": JSON_TYPES[0], "text/*": JSON_TYPES[1]}
_FORMATS = {"json": JSON, "xml": XML}


class NotAcceptable(Exception):
    """None of the media types that a client accepts is there."""


@lru_cache(256)
def answer_format(accept: bytes | None, asked: str = "") -> tuple[Format, bytes]:
    """The format of an answer, and its Content-Type.

    `asked` is the value of `$format` and goes before Accept. Raises BadInput for an unknown one,
    and NotAcceptable where nothing in Accept is there.
    """
    if asked:
        found = _FORMATS.get(asked.strip().lower())
        if found is None:
            raise BadInput(f"{asked[:20]!r} is neither XML nor JSON", field="$format")
        return found, _content_type(found.media_types[0])
    for wanted in accepted(accept) if accept else ("*/*",):
        name = _WILDCARDS.get(wanted, wanted)
        if name in _ANSWERS:
            return _ANSWERS[name], _content_type(name)
    raise NotAcceptable(f"Only these can be had: {', '.join(_ANSWERS)}")


def request_format(content_type: bytes | None, body: bytes) -> Format:
    """The format of a body. Raises UnknownType for a media type that is none of the seven.

    Without a media type, and for a form that is none (what `curl -d` says of everything), the
    first character tells.
    """
    name = media_type(content_type)
    found = (_REQUESTS.get(name) or of_suffix(name)) if name else JSON
    if found is None:
        raise UnknownType(f"A body of type {name[:100]!r} cannot be read")
    first = body.removeprefix(BOM_UTF8).lstrip()[:1]
    if found is FORM and first in (b"{", b"["):
        return JSON
    return XML if not name and first == b"<" else found


def _content_type(name: str) -> bytes:
    return name.encode() + b"; charset=utf-8"
