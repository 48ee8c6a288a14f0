"""Ids of one kind where another is asked for, over sockets; a log that holds what came of it."""

import asyncio
from collections.abc import Iterator

import asyncpg
import httpx
import pytest
from support.chat_service import PATH
from support.evo_messages import REQUESTS
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess, service
from support.strays import leave_stray

from domain.ids import AccountId, ChatSessionId, account_stream, chat_session_stream

FIRST_CHAT = "dd5dd7b1-2da6-5ddf-9b38-25e243b2bed7"
"""The stream of chat session 1, on every log."""
ACCOUNT = "String"
STREAMS = {
    "a chat session": FIRST_CHAT,
    "an account": str(account_stream(AccountId(ACCOUNT))),
    "a version that none has": "7d444840-9dc0-4fd1-8a3e-000000000001",
}
ON_A_SESSION = [
    ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/actions"), ("DELETE", "/actions"),
    ("POST", "/apply"), ("DELETE", "/actions/a1"),
]  # fmt: skip
BY_NAME = (
    "GetAISession", "PatchAISession", "DeleteAISession", "NewAISessionAction", "ApplyAISession",
    "ClearAISessionActions", "DeleteAISessionAction",
)  # fmt: skip
MEMBERS = {"purpose": "p", "functionName": "f", "actionId": "a1"}


@pytest.fixture
def _first_chat(admin: httpx.Client) -> None:
    """Chat session 1 is there, whoever made it."""
    if admin.get(f"{PATH}/1").status_code == 404:
        made = admin.post(PATH, json={"CustomerName": "Kim"}).json()
        assert made["ChatSessionId"] == 1
    assert str(chat_session_stream(ChatSessionId(1))) == FIRST_CHAT


pytestmark = pytest.mark.usefixtures("_first_chat", "_nothing_is_stored")


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
@pytest.mark.parametrize(("method", "rest"), ON_A_SESSION)
def test_a_path_finds_no_ai_session_under_another_id(
    admin: httpx.Client, method: str, rest: str, stream: str
) -> None:
    known = MEMBERS if rest != "/apply" else {}
    json = known if method in ("PATCH", "POST") else None
    for spelt in (stream, stream.upper()):
        answer = admin.request(method, f"/ai/sessions/{spelt}{rest}", json=json)
        assert answer.status_code == 404, answer.text
        assert answer.json()["responseStatus"]["errorCode"] == "NotFound"
    keyed = {"Idempotency-Key": f"{method} {rest} {stream}", "If-Match": '"1"'}
    answer = admin.request(method, f"/ai/sessions/{stream}{rest}", json=json, headers=keyed)
    assert answer.status_code == 404, answer.text


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
@pytest.mark.parametrize("format_", REQUESTS)
def test_a_request_by_name_finds_none_in_any_format(
    admin: httpx.Client, format_: str, stream: str
) -> None:
    sent = REQUESTS[format_]
    for name in BY_NAME:
        answer = admin.post(
            f"/api/{name}",
            content=sent.body(name, {"sessionId": stream, **MEMBERS}),
            headers={"Content-Type": sent.content_type, "Accept": "application/json"},
        )
        assert answer.status_code == 404, (name, answer.text)


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
@pytest.mark.parametrize("atomic", ["", "?atomic=true"], ids=["one by one", "atomic"])
def test_a_batch_finds_none(admin: httpx.Client, atomic: str, stream: str) -> None:
    for name in BY_NAME:
        asked = [{"sessionId": stream, **MEMBERS}]
        answer = admin.post(f"/api/{name}[]{atomic}", json=asked)
        assert answer.status_code == 404, (name, answer.text)


def test_a_list_of_such_ids_is_empty(admin: httpx.Client) -> None:
    answer = admin.post("/api/ListAISessions", json={"specificIds": list(STREAMS.values())})
    assert (answer.status_code, answer.json()["items"]) == (200, [])


@pytest.fixture
def served_with_stray() -> Iterator[ServiceProcess]:
    """A service on a log into whose first chat an older release let an event of an AI session."""
    with service() as served:
        with httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=patient(20)) as client:
            assert client.post(PATH, json={"CustomerName": "Kim"}).status_code == 200
        asyncio.run(_leave(served))
        yield served


async def _leave(served: ServiceProcess) -> None:
    owner = await asyncpg.connect(served.database_url)
    await leave_stray(owner, chat_session_stream(ChatSessionId(1)))
    await owner.close()


def test_a_log_that_holds_such_an_event_goes_on(served_with_stray: ServiceProcess) -> None:
    served = served_with_stray
    place = f"stream {FIRST_CHAT} has version 2 at position 0:3, ai_session.deleted.v1, which"
    verified = served.command("verify")
    assert (verified.returncode, place in verified.stdout) == (1, True), verified.stderr
    with httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=patient(20)) as client:
        change = [{"op": "replace", "path": "/CustomerName", "value": "Sam"}]
        changed = client.patch(f"{PATH}/1", json=change)
        assert (changed.status_code, changed.headers["ETag"]) == (200, '"3"'), changed.text
        assert changed.json()["CustomerName"] == "Sam"
    rebuilt = served.command("rebuild")
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert place in " ".join(rebuilt.stderr.split())
    replayed = served.command("replay", "1", "--output=ndjson")
    assert replayed.returncode == 0, replayed.stderr
    assert [line.count('"ai_session.deleted.v1"') for line in replayed.stdout.splitlines()] == [
        0, 1, 0,
    ]  # fmt: skip
    verified = served.command("verify")
    assert (verified.returncode, verified.stdout.count("\n")) == (1, 1), verified.stdout
