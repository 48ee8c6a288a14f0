"""The page of what is a table: who set each field of a session, and what differs."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from app.faces.audit.pages.asked import Asked
from app.faces.audit.pages.rows import Narrowed, session_url, text_of
from app.http.request import Headers, Reply, Request
from app.pages.answer import page

_TITLES = {"GetProvenance": "Who set what", "GetDifference": "What differs"}
_MAX_ROWS = 200
"""Rows of a page; the other forms have all."""


class Cell(Struct, frozen=True):
    """A value, and where it leads."""

    text: str
    url: str = ""


def table_page(
    request: Request,
    columns: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    headers: Headers = (),
) -> Reply:
    """The page of a table about a session."""
    asked, name = Asked(request), request.path.get("id", "")
    narrowed = Narrowed()
    return page(
        request,
        "audit/table.html.jinja",
        headers=headers,
        asked=asked,
        title=f"{_TITLES.get(request.operation, request.operation)}: {name}",
        session_url=session_url(name),
        columns=columns,
        rows=[[_cell(row, column, narrowed) for column in columns] for row in rows[:_MAX_ROWS]],
        exports=asked.exports(clear=True),
    )


def _cell(row: Mapping[str, Any], column: str, narrowed: Narrowed) -> Cell:
    value = row.get(column)
    text = "" if value is None and column not in ("before", "after") else text_of(value).text
    match column:
        case "position" if value:
            return Cell(text, f"/audit/events/{value}")
        case "actor" | "operation" if value:
            return Cell(text, narrowed(column, text))
        case "requestId" if value:
            return Cell(text, narrowed("request", text))
        case _:
            return Cell(text)
