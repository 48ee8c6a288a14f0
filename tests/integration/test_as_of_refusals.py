"""Moments that cannot be answered are refused by name, in the form of each face."""

from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest
from msgspec.structs import replace
from support.database import ONE_PARTITION
from support.in_process import calling

from app.settings import Settings

pytestmark = pytest.mark.usefixtures("people")
AI, CHAT = "/ai/sessions", "/api/v1/ChatSession"
AGENT = "/api/v1/Agents/Chat"
LATER = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
NOBODY = "0190a000-0000-7000-8000-000000000007"
NO_MOMENTS = (
    "", "0", "3", "-1", "1.0", "0:1000000", "7:1", "0:1,0:2", "0:", LATER, "9999-01-01T00:00:00Z",
    "tomorrow", "2026-02-30", "2026-11-28T25:00:00Z", "9" * 30, "null",
)  # fmt: skip
NO_MOMENTS_OF_LISTS = ("", "1", "0", "0:1000000", "7:1", LATER, "yesterdays")
WITHOUT_PAST = (
    ("POST", AI), ("PATCH", "{session}"), ("DELETE", "{session}"),
    ("POST", "/api/PatchAISession"), ("POST", "/api/PatchAISession[]"),
    ("POST", "/json/oneway/DeleteAISession"), ("POST", "/accounts"), ("GET", "/users"),
    ("GET", "/auth/status"), ("POST", CHAT), ("PUT", "{chat}"), ("PATCH", "{chat}"),
    ("DELETE", "{chat}"), ("POST", "{chat}/Pickup"), ("POST", "{chat}/Messages"),
    ("POST", f"{AGENT}/SaveChatSessionEntity"), ("GET", f"{CHAT}/default"),
)  # fmt: skip


async def a_session(client: httpx.AsyncClient) -> str:
    """The path of an AI session of two versions."""
    made: str = (await client.post(AI, json={"purpose": "one"})).json()["id"]
    await client.patch(f"{AI}/{made}", json={"purpose": "two"})
    return f"{AI}/{made}"


async def a_chat(client: httpx.AsyncClient) -> str:
    """The path of a chat session of two versions."""
    made = (await client.post(CHAT, json={"CustomerName": "Kim"})).json()["ChatSessionId"]
    await client.patch(f"{CHAT}/{made}", json={"Rating": 2})
    return f"{CHAT}/{made}"


def assert_refused(answer: httpx.Response) -> None:
    """400 that names the parameter, in the face's form."""
    assert answer.status_code == 400, (answer.request.method, answer.url, answer.text)
    assert "x-as-of" not in answer.headers
    body = answer.json()
    if "responseStatus" in body:
        (error,) = body["responseStatus"]["errors"]
        assert error["fieldName"] == "AsOf"
        assert "asOf" in error["message"]
    else:
        assert body["ErrorType"] == "SoBadRequestException"
        assert "asOf" in body["ErrorMessage"]


@ONE_PARTITION
async def test_what_is_no_moment_of_a_session_or_a_list_is_refused(settings: Settings) -> None:
    async with calling(settings) as client:
        session, chat = await a_session(client), await a_chat(client)
        for moment in NO_MOMENTS:
            for target in (session, chat, f"{chat}/Messages"):
                assert_refused(await client.get(target, params={"asOf": moment}))
            both = {"asOf": moment, "chatSessionEntityId": chat.rpartition("/")[2]}
            assert_refused(await client.post(f"{AGENT}/GetChatSessionEntity", params=both))
        for moment in NO_MOMENTS_OF_LISTS:
            for target in (AI, "/accounts", "/api/ListAISessions", CHAT, f"{CHAT}/ForCurrentUser"):
                assert_refused(await client.get(target, params={"asOf": moment}))


async def test_a_moment_is_one_and_named_in_any_case(settings: Settings) -> None:
    async with calling(settings) as client:
        for target in (await a_session(client), await a_chat(client)):
            then = await client.get(f"{target}?ASOF=1")
            assert then.headers["etag"] == '"1"'
            assert_refused(await client.get(f"{target}?asOf=1&asof=2"))


async def test_what_has_no_past_takes_no_moment(settings: Settings) -> None:
    async with calling(settings) as client:
        session, chat = await a_session(client), await a_chat(client)
        for verb, target in WITHOUT_PAST:
            path = target.format(session=session, chat=chat)
            body = None if verb in ("GET", "DELETE") else {"purpose": "x", "Rating": 3}
            assert_refused(await client.request(verb, path, params={"asOf": "now"}, json=body))
        for target in (session, chat):
            assert (await client.get(target)).headers["etag"] == '"2"'


@ONE_PARTITION
async def test_who_never_was_is_a_404_at_all_moments(settings: Settings) -> None:
    async with calling(settings) as client:
        for target in (f"{AI}/{NOBODY}", f"{AI}/x", "/accounts/nobody", f"{CHAT}/77"):
            present = await client.get(target)
            for moment in ("1", "now", "0:1"):
                answer = await client.get(target, params={"asOf": moment})
                assert answer.status_code == present.status_code == 404
                assert answer.content == present.content
                assert answer.headers["x-as-of"]


async def test_a_batch_is_of_one_moment(settings: Settings) -> None:
    async with calling(settings) as client:
        session = await a_session(client)
        wanted = [{"sessionId": session.rpartition("/")[2]}] * 2
        position = (await client.get(f"{session}?asOf=1")).headers["x-as-of"]
        path = "/api/GetAISession[]"
        batch = await client.post(path, params={"asOf": position}, json=wanted)
        assert [each["purpose"] for each in batch.json()] == ["one", "one"]
        assert batch.headers["x-as-of"] == position
        assert_refused(await client.post(path, params={"asOf": "1"}, json=wanted))


async def test_a_known_past_state_is_not_sent_again(settings: Settings) -> None:
    async with calling(settings) as client:
        chat, known = await a_chat(client), {"If-None-Match": '"1"'}
        then = await client.get(f"{chat}?asOf=1", headers=known)
        assert (then.status_code, then.headers["etag"]) == (304, '"1"')
        assert then.headers["x-as-of"]
        assert (await client.get(f"{chat}?asOf=2", headers=known)).status_code == 200


async def test_pages_of_a_past_list_are_of_its_moment(settings: Settings) -> None:
    today = {"asOf": "now", "$filter": "registeredDate today"}
    async with calling(settings) as client:
        for _ in range(5):
            await client.post(CHAT, json={"CustomerName": "Kim"})
        now = (await client.get(CHAT, params=today)).json()["value"]
        page = await client.get(CHAT, params={**today, "$top": "2"})
        moment = page.headers["x-as-of"]
        await client.post(CHAT, json={"CustomerName": "Sam"})
        await client.delete(f"{CHAT}/{now[-1]['PrimaryKey']}")
        rows = page.json()["value"]
        while link := page.json()["odata.nextLink"]:
            assert f"asOf={moment}" in link
            page = await client.get(link)
            assert page.headers["x-as-of"] == moment
            rows += page.json()["value"]
    assert rows == now
    assert len(rows) == 5


async def test_pages_of_past_messages_are_of_their_moment(settings: Settings) -> None:
    async with calling(settings) as client:
        messages = f"{await a_chat(client)}/Messages"
        for number in range(3):
            await client.post(messages, json={"Message": f"{number}", "Type": "ToUser"})
        page = await client.get(messages, params={"asOf": "now", "$top": "2"})
        await client.post(messages, json={"Message": "later", "Type": "ToUser"})
        following = await client.get(page.links["next"]["url"])
        assert [each["Message"] for each in following.json()] == ["2"]
        assert following.headers["x-as-of"] == page.headers["x-as-of"]


async def test_a_moment_that_is_not_reached_yet_is_a_503(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    await owner.execute(
        "INSERT INTO lease (name, holder, until)"
        " VALUES ('follow_history', gen_random_uuid(), now() + INTERVAL '1 hour')"
    )
    async with calling(replace(settings, past_wait_s=0.05)) as client:
        session = await a_session(client)
        for target, member in ((AI, "responseStatus"), (CHAT, "ErrorType")):
            answer = await client.get(target, params={"asOf": "now"})
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "1"
            assert member in answer.json()
        assert (await client.get(AI, params={"asOf": "0:0"})).json()["items"] == []
        assert (await client.get(f"{session}?asOf=1")).json()["purpose"] == "one"
