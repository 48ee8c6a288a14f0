"""A full worker's ready answers at the door: those that the routes would give, but cheaper."""

import re
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from support.in_process import PASSWORD, running

from app.http import door
from app.settings import Settings

pytestmark = pytest.mark.usefixtures("people")

AI, CHAT = "/ai/sessions", "/api/v1/ChatSession"
XML, CSV, ANY = "application/xml", "text/csv", "*/*"
ALIKE = {
    "json": ("PATCH", f"{AI}/1", {"Accept": "application/json"}),
    "no accept": ("POST", AI, {}),
    "xml": ("GET", AI, {"Accept": XML}),
    "csv": ("GET", AI, {"Accept": CSV}),
    "by suffix": ("GET", f"{AI}.xml", {"Accept": ANY}),
    "by name": ("POST", "/jsv/reply/NewAISession", {"Accept": XML}),
    "by api": ("POST", "/api/NewAISession", {"Accept": XML}),
    "as it was sent": ("POST", AI, {"Accept": ANY, "Content-Type": XML}),
    "chat": ("PUT", f"{CHAT}/1", {"Accept": "application/json"}),
    "chat in xml": ("GET", CHAT, {"Accept": XML}),
    "chat in no known form": ("GET", CHAT, {"Accept": "image/png"}),
    "any host": ("GET", "https://test/accounts", {}),
    "this host": ("GET", "https://localhost/accounts", {}),
}
APART = {
    "a page": ("GET", AI, {"Accept": "text/html"}),
    "another face's page": ("GET", "/login", {"Accept": ANY}),
    "a face of its own form": ("GET", "/ops/views", {}),
    "a page of the documents": ("GET", "/json/metadata", {}),
    "a format in the query": ("GET", f"{AI}?format=xml", {}),
    "a page of an allowed origin": ("GET", AI, {"Origin": "https://friend.example"}),
    "no body": ("HEAD", AI, {}),
    "a long list": ("GET", AI, {"Accept": "application/json" + ", text/csv" * 40}),
}
Case = tuple[str, str, Mapping[str, str]]


async def at_door(client: httpx.AsyncClient) -> float:
    """How many were refused at the door so far: their operation is not known."""
    shown = (await client.get("/metrics")).text
    found = re.findall(r'sessionary_requests_total{face="\w+",operation="",.*} (.*)', shown)
    return sum(map(float, found))


async def refused(client: httpx.AsyncClient, case: Case) -> dict[str, Any]:
    method, target, headers = case
    sent = {"content": b"{}"} if method in ("POST", "PUT", "PATCH") else {}
    asked = client.build_request(method, target, headers={"X-Request-Id": "mine"}, **sent)  # type: ignore[arg-type]
    asked.headers.pop("accept")
    asked.headers.update(headers)
    answer = await client.send(asked)
    assert answer.status_code == 503
    assert answer.headers["X-Request-Id"] == "mine"
    return {"body": answer.content, "headers": sorted(answer.headers.multi_items())}


@pytest.fixture
def full(settings: Settings) -> Settings:
    """Of a worker that may take on nothing."""
    return replace(
        settings, most_in_flight=0, allowed_origins=frozenset({"https://friend.example"})
    )


@pytest.mark.parametrize(("cases", "ready"), [(ALIKE, 1), (APART, 0)], ids=["alike", "apart"])
async def test_who_is_refused_at_the_door_gets_the_answer_of_the_route(
    full: Settings, monkeypatch: pytest.MonkeyPatch, cases: Mapping[str, Case], ready: int
) -> None:
    async with running(full) as (client, _):
        client.auth = httpx.BasicAuth("kim", PASSWORD)
        before = await at_door(client)
        monkeypatch.setattr(door, "_WHOLE_EVERY_S", 0.0)
        whole = {name: await refused(client, case) for name, case in cases.items()}
        assert await at_door(client) == before
        monkeypatch.setattr(door, "_WHOLE_EVERY_S", 3600.0)
        await refused(client, ALIKE["json"])  # the one that operators see
        for number, (name, case) in enumerate(cases.items(), 1):
            assert await refused(client, case) == whole[name], name
            assert await at_door(client) == before + number * ready, name


async def test_each_refusal_that_is_to_be_logged_goes_the_whole_way(
    full: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(door, "_WHOLE_EVERY_S", 3600.0)
    with caplog.at_level("INFO"):
        async with running(replace(full, access_log="errors")) as (client, _):
            for _ in range(3):
                await refused(client, ALIKE["json"])
    assert len([each for each in caplog.records if each.name == "sessionary.access"]) == 3
