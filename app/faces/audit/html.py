"""The same slices as plain pages: the one place where the pages of the console plug in."""

from collections.abc import Iterable, Sequence
from html import escape

import msgspec

from app.history.one_event import Event
from app.http.errors import Refusal
from app.http.request import Request

POLICY = (
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        b"base-uri 'none'; frame-ancestors 'none'",
    ),
)


def event_row(event: Event, cells: Sequence[object]) -> str:
    """A row with the id of its event, which others can link to."""
    place, *others = cells
    link = f'<a href="/audit/events/{escape(str(place))}">{escape(str(place))}</a>'
    told = "".join(_td(cell) for cell in others)
    return f'<tr id="e-{event.partition}-{event.position}"><td>{link}</td>{told}</tr>\n'


def events_page(
    request: Request, columns: Sequence[str], rows: Iterable[bytes], next_url: str | None
) -> bytes:
    """A page of events."""
    body = b"".join(rows).decode()
    more = "" if next_url is None else f'<p><a rel="next" href="{escape(next_url)}">More</a></p>\n'
    return _page(request, f"{_table(columns, body)}{more}")


def event_page(
    request: Request, event: Event, columns: Sequence[str], cells: Sequence[object]
) -> bytes:
    """The page of one event, with all that is asked for of it."""
    text = msgspec.json.format(msgspec.json.encode(event)).decode()
    table = _table(columns, event_row(event, cells))
    return _page(request, f"{table}<pre>{escape(text)}</pre>\n")


def table_page(request: Request, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A page with a table."""
    body = "".join(f"<tr>{''.join(map(_td, row))}</tr>\n" for row in rows)
    return _page(request, _table(columns, body))


def error_page(request: Request, refused: Refusal) -> bytes:
    """A page with the sentence, and the id of the request."""
    field = "" if refused.field is None else f" ({refused.field})"
    return _page(
        request,
        f"<p>{escape(refused.message)}{escape(field)}</p>\n"
        f"<p>Request {escape(request.request_id)}</p>\n"
        '<p><a href="/audit/events">All events</a></p>\n',
    )


def _table(columns: Sequence[str], body: str) -> str:
    heads = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    return f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"


def _td(cell: object) -> str:
    return f"<td>{'' if cell is None else escape(str(cell))}</td>"


def _page(request: Request, main: str) -> bytes:
    title = escape(f"/{request.location}")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title} &ndash; Sessionary</title>\n"
        '<link rel="icon" type="image/svg+xml" href="/metadata/icon.svg">\n'
        '<link rel="stylesheet" href="/metadata/style.css">\n</head>\n<body>\n<main>\n'
        f"<h1>{title}</h1>\n{main}</main>\n</body>\n</html>\n"
    ).encode()
