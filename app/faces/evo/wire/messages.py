"""Answer DTOs as bytes, in each format."""

from collections.abc import Sequence
from typing import get_args, get_origin

import msgspec

from app.codecs import csv_text, jsv, xml_text
from app.codecs.dto import Dto, TypeForm
from app.codecs.formats import CSV, JSON, JSON_LINES, JSV, XML, Format
from app.codecs.value import Json
from app.faces.evo.wire.dto import ListResponse

_ENCODER = msgspec.json.Encoder()


def write(
    format_: Format,
    value: Dto | Sequence[Dto],
    kind: TypeForm = None,
    *,
    safe: bool = False,
) -> bytes:
    """One answer, or those to a batch; `kind` is the class of each, with its parameter if any.

    `safe`: CSV that a spreadsheet takes for no formulas (see `csv_text.write`).
    """
    match format_.name:
        case JSON.name:
            return _ENCODER.encode(value)
        case JSON_LINES.name:
            return _ENCODER.encode_lines(_items(value))
        case XML.name:
            return xml_text.write(value, kind=kind)
        case JSV.name:
            return jsv.write(value)
        case CSV.name:
            return csv_text.write(value, kind=_row(value, kind), safe=safe)
        case _:
            raise ValueError(f"nothing writes {format_.name}")


def headers(format_: Format, operation: str) -> tuple[tuple[bytes, bytes], ...]:
    """What an answer in a format carries beside its type: CSV is a file to be saved."""
    if format_ is not CSV:
        return ()
    return ((b"content-disposition", b'attachment;filename="%s.csv"' % operation.encode()),)


def _row(value: Dto | Sequence[Dto], kind: TypeForm) -> Json:
    """The class of CSV's rows: a page has one for each item, several pages one for each page."""
    if get_args(kind) and not isinstance(value, Dto):
        return get_origin(kind)
    return next(iter(get_args(kind)), kind)


def _items(value: Dto | Sequence[Dto]) -> Sequence[Dto]:
    match value:
        case ListResponse(items=items):
            return items
        case Dto():
            return [value]
        case _:
            return value
