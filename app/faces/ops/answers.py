"""Answers to operators: JSON, NDJSON or CSV for programs, a page for people."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from app.http.request import Reply, Request
from app.operations.words import span
from app.pages.answer import Link, page
from app.pages.forms import Form, form_of
from app.pages.twins import Table, table_reply

BACK = (Link("/ops", "Operations"), Link("/ops/views", "Views"))
"""The ways on from an error."""
_FORMS = (Form.JSON, Form.NDJSON, Form.CSV)


def answer(request: Request, table: Table, template: str, shown: Mapping[str, object]) -> Reply:
    """A table in the form that is asked for; `template`, of this face, makes a page of `shown`."""
    form = form_of(request)
    if form is not Form.HTML:
        return table_reply(form, table)
    exports = _exports(request)
    return page(request, f"ops/{template}.html.jinja", shown=shown, exports=exports, span=span)


def rows_of(found: Sequence[object]) -> list[Mapping[str, Any]]:
    """The members of each."""
    rows: list[Mapping[str, Any]] = msgspec.to_builtins(found)
    return rows


def _exports(request: Request) -> list[Link]:
    kept = [pair for pair in request.pairs if pair[0].lower() != "format"]
    path = quote(f"/{request.location}", safe="/:@,")
    return [
        Link(f"{path}?{urlencode([*kept, ('format', form.value)])}", form.name) for form in _FORMS
    ]
