"""The page of one event, with all that it says."""

import msgspec
from msgspec import UNSET

from app.faces.audit.pages.asked import Asked
from app.faces.audit.pages.rows import Budget, Narrowed, rows_of
from app.history.one_event import Event
from app.http.request import Headers, Reply, Request
from app.pages.answer import page

_ROOM = 24_000
"""Characters of values, and of the event as JSON, that the page has room for."""


def event_page(request: Request, event: Event, headers: Headers = ()) -> Reply:
    """The page of an event."""
    asked = Asked(request)
    (row,) = rows_of([event], asked.clock.zone, Budget(_ROOM, _ROOM), fold=False)
    text = msgspec.json.format(msgspec.json.encode(event)).decode()
    links = [
        (name, url.removeprefix(request.base_url))
        for name, url in (("← Before", event.previous), ("After →", event.next))
        if isinstance(url, str)
    ]
    return page(
        request,
        "audit/event.html.jinja",
        headers=headers,
        asked=asked,
        row=row,
        narrowed=Narrowed(),
        json=text if len(text) <= _ROOM else "",
        neighbours=links,
        exports=asked.exports(clear=True),
        has_state=event.state is not UNSET,
    )
