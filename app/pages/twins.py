"""Answers that programs get in place of a page: the same slice in the form that is asked for."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Struct

from app.codecs import csv_text
from app.codecs.json_text import BadInput
from app.http.errors import Refusal
from app.http.request import Headers, Reply, Request
from app.pages.answer import Link
from app.pages.errors import error_page
from app.pages.forms import CONTENT_TYPES, Form, form_of
from app.proof.one_line import one_line

_ENCODER = msgspec.json.Encoder()


class Table(Struct, frozen=True):
    """An answer as a whole, and as rows of equal members."""

    whole: object
    rows: Sequence[Mapping[str, Any]]
    columns: Sequence[str]


def reply(form: Form, body: bytes, headers: Headers = (), status: int = 200) -> Reply:
    """An answer in a form, except a page."""
    return Reply(status, body, headers, CONTENT_TYPES[form])


def table_reply(form: Form, table: Table, headers: Headers = ()) -> Reply:
    """A table in a form, except a page."""
    match form:
        case Form.NDJSON:
            body = b"".join(one_line(_ENCODER.encode(row)) + b"\n" for row in table.rows)
        case Form.CSV:
            rows = [[_cell(row.get(name)) for name in table.columns] for row in table.rows]
            body = csv_text.row(table.columns) + b"".join(map(csv_text.row, rows))
        case _:
            body = _ENCODER.encode(table.whole)
    return reply(form, body, headers)


def refusal(refused: Refusal, request: Request | None, back: Sequence[Link]) -> Reply:
    """An error: a stable word, a sentence, the parameter at fault, the request's id.

    `back`: the ways on that its page names.
    """
    form = Form.JSON
    with suppress(BadInput):  # without a known form, it is JSON
        form = Form.JSON if request is None else form_of(request)
    if form is Form.HTML and request is not None:
        return error_page(request, refused, back)
    told = {
        "code": refused.code,
        "message": refused.message,
        "field": refused.field,
        "requestId": None if request is None else request.request_id,
    }
    if form is Form.CSV:
        body = csv_text.row(list(told)) + csv_text.row(list(told.values()))
    else:
        body = one_line(_ENCODER.encode({"error": told})) + b"\n"
    return reply(form, body, refused.headers, refused.status)


def _cell(value: object) -> object:
    is_plain = value is None or isinstance(value, str | int)
    return value if is_plain else _ENCODER.encode(value).decode()
