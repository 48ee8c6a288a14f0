"""The one box that understands a session, an event, a position and a request."""

import re
from urllib.parse import quote
from uuid import UUID

from app.codecs.json_text import BadInput
from app.faces.audit.pages.rows import Narrowed, session_url
from app.history.reader import Reader
from app.history.sessions import session_named
from app.http.browser import see_other
from app.http.request import Reply, Request
from app.service import Service
from domain.errors import NotFound

_PLACE = re.compile("[0-9]{1,4}:[0-9]{1,18}")
_MAX = 300
_PARAMETER = "to"


async def go_to(request: Request, service: Service) -> Reply:
    """`GET /audit/go?to=…`: leads on to the page of what the text names. Raises BadInput."""
    text = next((value for name, value in request.pairs if name.lower() == _PARAMETER), "").strip()
    if not text or len(text) > _MAX:
        raise BadInput("Name a session, an event, a position or a request", field=_PARAMETER)
    return see_other(await _address(service.reader, text))


async def _address(reader: Reader, text: str) -> str:
    if _PLACE.fullmatch(text):
        return f"/audit/events/{text}"
    try:
        await session_named(reader, text)
        return f"{session_url(text)}/history"
    except NotFound:
        pass
    try:
        if await reader.place_of(UUID(text)) is not None:
            return f"/audit/events/{quote(text, safe='')}"
    except ValueError:  # no UUID
        pass
    return Narrowed()("request", text)
