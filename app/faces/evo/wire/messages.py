"""Answer DTOs as bytes, in each format."""

from collections.abc import Sequence
from typing import get_args, get_origin

import msgspec

from app.codecs import csv_text, jsv, xml_text
from app.codecs.dto import Dto, TypeForm
from app.codecs.formats import CSV, JSON, JSON_LINES, JSV, XML, Format
from app.codecs.value import Json
from app.faces.evo.wire.dto import ListResponse
from app.proof.one_line import one_line

_ENCODER = msgspec.json.Encoder()


def write(
    format_: Format,
    value: Dto | Sequence[Dto],
    kind: TypeForm = None,
    *,
    safe: bool = False,
) -> bytes:
    """One answer, or those to a batch; `kind` is the class of each, with its parameter if any.

    `safe` makes CSV that a spreadsheet does not run as formulas (see `csv_text.write`).
    """
    match format_.name:
        case JSON.name:
            return _ENCODER.encode(value)
        case JSON_LINES.name:
            return one_line(_ENCODER.encode_lines(_items(value)))
        case XML.name:
            return xml_text.write(value, kind=kind)
        case JSV.name:
            return jsv.write(value)
        case CSV.name:
            return csv_text.write(value, kind=_row(value, kind), safe=safe)
        case _:
            raise ValueError(f"nothing writes {format_.name}")


def headers(format_: Format, operation: str) -> tuple[tuple[bytes, bytes], ...]:
    """Headers of an answer beside its type: browsers should save CSV as a file."""
    if format_ is not CSV:
        return ()
    return ((b"content-disposition", b'attachment;filename="%s.csv"' % operation.encode()),)


def _row(value: Dto | Sequence[Dto], kind: TypeForm) -> Json:
    """The class of CSV's rows: one page has a row per item, several pages have a row per page."""
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
