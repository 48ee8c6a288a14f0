"""The formats of a request's body and of its answer.

The media types of patches mean no more than JSON, for the shape of a body shows its content. An
answer has the media type that the client asked for.
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
"""A format of requests only."""

_ANSWERS = dict.fromkeys(JSON_TYPES, JSON) | dict.fromkeys(XML.media_types, XML)
_REQUESTS = _ANSWERS | dict.fromkeys(FORM.media_types, FORM)
_WILDCARDS = {"*/*": JSON_TYPES[0], "application/*": JSON_TYPES[0], "text/*": JSON_TYPES[1]}
_FORMATS = {"json": JSON, "xml": XML}


class NotAcceptable(Exception):
    """None of the media types that a client accepts is available."""


@lru_cache(256)
def answer_format(accept: bytes | None, asked: str = "") -> tuple[Format, bytes]:
    """The format of an answer, and its Content-Type.

    `asked` is the value of `$format`, which takes precedence over Accept. Raises BadInput for an
    unknown `$format`, and NotAcceptable if nothing in Accept is available.
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
    """The format of a body. Raises UnknownType for any media type but the known seven.

    The first character decides if the media type is absent, or if it wrongly names a form, which
    `curl -d` does for every body.
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
