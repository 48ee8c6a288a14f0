"""How straight a request's way through the folders is; of its kind the third, so that all is warm.

A stay is a run of calls within one folder. The ceilings are what was measured; they only fall.
"""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from msgspec import Struct
from support.in_process import calling
from support.way import Way, recorded

from app.settings import Settings

pytestmark = pytest.mark.usefixtures("people")


class Kind(Struct, frozen=True):
    """One kind of request: how it is sent, and how straight its way is."""

    method: str
    target: str
    """`{ai}` and `{chat}` are the paths of a session each."""
    folders: str
    """Those of the way in, in the order in which they are entered first."""
    stays_in: int
    """Until the last statement is sent."""
    stays: int
    statements: int = 1
    body: object = None
    headers: Mapping[str, str] = {}


AI, CHAT = "/ai/sessions", "/api/v1/ChatSession"
EVO = "http auth concurrency faces/evo codecs"
SUPEROFFICE = "http auth concurrency faces/superoffice codecs"
PURPOSE, NAME = {"Purpose": "triage"}, {"CustomerName": "Sam"}
RENAMED = [{"op": "replace", "path": "/CustomerName", "value": "Sam"}]
SINCE = {"If-Unmodified-Since": "Fri, 31 Dec 9999 23:59:59 GMT"}
KINDS = {
    "create an AI session": Kind(
        "POST", AI, f"{EVO} log database commands domain projections", 36, 47, body=PURPOSE
    ),
    "patch an AI session": Kind(
        "PATCH", "{ai}", f"{EVO} commands domain log", 32, 43, body=PURPOSE
    ),
    "read an AI session": Kind("GET", "{ai}", f"{EVO} domain queries", 13, 25),
    "list AI sessions": Kind("GET", AI, f"{EVO} queries", 14, 27),
    "create a chat session": Kind(
        "POST", CHAT,
        f"{SUPEROFFICE} chat log domain commands projections database", 34, 47, body=NAME,
    ),
    "put a chat session": Kind(
        "PUT", "{chat}", f"{SUPEROFFICE} chat domain commands log", 30, 43, body=NAME
    ),
    "put a chat session unless it was changed": Kind(
        "PUT", "{chat}", f"{SUPEROFFICE} chat domain commands log", 30, 43, 1, NAME, SINCE
    ),
    "patch a chat session": Kind(
        "PATCH", "{chat}", f"{SUPEROFFICE} chat domain commands log", 35, 48, body=RENAMED
    ),
    "read a chat session": Kind("GET", "{chat}", f"{SUPEROFFICE} queries domain", 13, 25),
    "list chat sessions": Kind("GET", CHAT, f"{SUPEROFFICE} queries", 15, 33),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    """A follower would be on the way, too: it begins as soon as there is an event."""
    monkeypatch.setattr("app.main._watches", lambda *_: iter(()))
    monkeypatch.setattr("app.database.versions._FRESH_S", 600.0)  # nobody asks for versions either


async def walked(client: httpx.AsyncClient, kind: Kind) -> Way:
    ai = (await client.post(AI, json={"Purpose": "triage"})).json()
    chat = (await client.post(CHAT, json={"CustomerName": "Kim"})).json()
    target = kind.target.format(ai=f"{AI}/{ai['id']}", chat=f"{CHAT}/{chat['ChatSessionId']}")
    sent: dict[str, Any] = {"json": kind.body, "headers": kind.headers}
    for _ in range(2):
        await client.request(kind.method, target, **sent)
    with recorded() as way:
        answer = await client.request(kind.method, target, **sent)
    assert answer.status_code == 200, answer.text
    return way


@pytest.mark.parametrize("name", KINDS)
async def test_a_request_goes_no_longer_way_than_before(settings: Settings, name: str) -> None:
    kind = KINDS[name]
    async with calling(settings) as client:
        way = await walked(client, kind)
    assert " ".join(way.folders) == kind.folders
    assert len(way.way_in) <= kind.stays_in, way.way_in
    assert len(way.stays) <= kind.stays, way.stays
    assert way.statements <= kind.statements
