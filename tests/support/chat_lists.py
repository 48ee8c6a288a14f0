"""Lists of chat sessions as a client reads them, page by page."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from app.faces.superoffice.lists.chat_list import list_chat_sessions
from app.faces.superoffice.lists.filter import Asker
from app.queries.views import Views

ASKER = Asker(date(2026, 11, 21), 7)
BASE = "https://host:443/Cust12345"
Pairs = Sequence[tuple[str, str]]


async def listed(views: Views, pairs: Pairs) -> dict[str, Any]:
    return await list_chat_sessions(views, pairs, base_url=BASE, asker=ASKER)


def numbers(answer: dict[str, Any]) -> list[int]:
    return [int(row["PrimaryKey"]) for row in answer["value"]]


def following(answer: dict[str, Any]) -> Pairs | None:
    """The query of the link to the next page."""
    link = answer["odata.nextLink"]
    if link is None:
        return None
    assert link.startswith(f"{BASE}/api/v1/ChatSession?")
    return parse_qsl(urlsplit(link).query, keep_blank_values=True, strict_parsing=True)


async def all_pages(views: Views, pairs: Pairs) -> list[int]:
    found: list[int] = []
    query: Pairs | None = pairs
    while query is not None:
        answer = await listed(views, query)
        found += numbers(answer)
        query = following(answer)
    return found
