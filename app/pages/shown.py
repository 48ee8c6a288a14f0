"""Pages of what an API answers: one entity, or a list, with links to its other formats."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from msgspec import Struct

from app.codecs.value import Tree
from app.http.request import Headers, Reply, Request
from app.pages.answer import Link, page

ROWS = 50
"""Rows of a list, unless the browser asks for more or fewer."""
_CELL = 160
"""Characters that a cell of a list shows; the page of its entity shows all."""


class Listed(Struct, frozen=True, kw_only=True):
    """A page of a list."""

    rows: Sequence[Mapping[str, Any]]
    first: str
    """The member that names a row, which is shown first."""
    url: str
    """What comes before a row's name in its address; empty: rows have no page."""
    previous: str = ""
    following: str = ""


class _Row(Struct, frozen=True):
    url: str
    cells: list[str]


def entity_page(
    request: Request,
    title: str,
    tree: Tree,
    *,
    ways: Sequence[Link] = (),
    formats: Sequence[Link] = (),
    headers: Headers = (),
) -> Reply:
    """The page of an entity, or of anything else that has no page of its own."""
    return page(
        request,
        "entity.html.jinja",
        headers=headers,
        title=title,
        tree=tree,
        as_of=_as_of(request),
        ways=ways,
        formats=formats,
    )


def list_page(
    request: Request,
    title: str,
    listed: Listed,
    *,
    ways: Sequence[Link] = (),
    formats: Sequence[Link] = (),
    headers: Headers = (),
) -> Reply:
    """The page of a list."""
    columns = list(dict.fromkeys([listed.first, *(name for row in listed.rows for name in row)]))
    return page(
        request,
        "list.html.jinja",
        headers=headers,
        title=title,
        caption=f"{len(listed.rows)} on this page",
        columns=columns,
        rows=[_row(row, columns, listed.url, _as_of(request)) for row in listed.rows],
        as_of=_as_of(request),
        previous=listed.previous,
        following=listed.following,
        ways=ways,
        formats=formats,
    )


def _as_of(request: Request) -> str:
    return next((value for name, value in request.pairs if name.lower() == "asof"), "")


def _row(row: Mapping[str, Any], columns: Sequence[str], url: str, as_of: str) -> _Row:
    named = _text(row.get(columns[0]))
    cells = [_shortened(_text(row.get(column))) for column in columns]
    moment = f"?{urlencode({'asOf': as_of})}" if as_of else ""
    return _Row(f"{url}/{quote(named, safe='')}{moment}" if url else "", cells)


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list():
            return ", ".join(map(_text, value))
        case dict():
            return ", ".join(f"{name}: {_text(part)}" for name, part in value.items())
        case _:
            return str(value)


def _shortened(text: str) -> str:
    return text if len(text) <= _CELL else f"{text[:_CELL]}…"


def with_parameter(request: Request, name: str, value: str) -> str:
    """The path and query of a request with a parameter in place of its own one, if any."""
    kept = [pair for pair in request.pairs if pair[0].lower() != name.lower()]
    path = quote(f"/{request.location}", safe="/:@,")
    return f"{path}?{urlencode([*kept, (name, value)])}"
