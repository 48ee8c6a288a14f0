"""Safe retries: one key, one command, the first answer."""

import asyncio
from uuid import uuid4

import httpx
import pytest
from support.conditions import COMMANDS, assert_refused, follows, position
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess

CHAT = "/api/v1/ChatSession"
MADE = {"purpose": "triage"}


def key() -> dict[str, str]:
    """The header of a key that nobody had before."""
    return {"Idempotency-Key": str(uuid4())}


@pytest.mark.parametrize("name", ["new session", "patch session", "new chat", "put chat"])
def test_a_retry_gets_the_first_answer(
    admin: httpx.Client, targets: dict[str, str], name: str
) -> None:
    method, path = COMMANDS[name]
    path = path.format(**targets)
    body = {"purpose": "once", "CustomerName": "once"}
    headers = key()
    first = admin.request(method, path, json=body, headers=headers)
    assert first.status_code == 200
    assert "Idempotent-Replayed" not in first.headers
    if "{" in COMMANDS[name][1]:  # the session moves on meanwhile
        later = {"purpose": "twice", "CustomerName": "twice"}
        assert admin.request(method, path, json=later).headers["ETag"] == '"3"'
    for _ in range(2):
        again = admin.request(method, path, json=body, headers=headers)
        assert (again.status_code, again.content) == (200, first.content)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert again.headers["ETag"] == first.headers["ETag"]
        assert position(again) == position(first)


def test_a_retried_deletion_is_no_error(admin: httpx.Client, session_path: str, chat: str) -> None:
    for path in (session_path, chat):
        headers = key()
        first = admin.delete(path, headers=headers)
        again = admin.delete(path, headers=headers)
        assert (first.status_code, again.status_code) == (204, 204)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert admin.delete(path, headers=key()).status_code == 404


def test_a_key_that_comes_back_with_another_command_is_refused(
    admin: httpx.Client, session_path: str
) -> None:
    headers = key()
    made = admin.post("/ai/sessions", json=MADE, headers=headers)
    for method, path, body in (
        ("POST", "/ai/sessions", {"purpose": "another"}),
        ("PATCH", session_path, MADE),
        ("POST", CHAT, {}),
        ("POST", "/accounts", {"name": "another"}),
    ):
        answer = admin.request(method, path, json=body, headers=headers)
        assert_refused(answer, 422, "IdempotencyKeyReused")
        assert headers["Idempotency-Key"] not in answer.text
    assert follows(position(admin.post("/ai/sessions", json=MADE)), position(made))


@pytest.mark.parametrize("length", [1, 255], ids=["shortest", "longest"])
def test_keys_have_1_to_255_characters(admin: httpx.Client, length: int) -> None:
    headers = {"Idempotency-Key": (str(uuid4()) * 8)[:length]}
    first = admin.post("/ai/sessions", json=MADE, headers=headers)
    assert admin.post("/ai/sessions", json=MADE, headers=headers).content == first.content


async def test_fifty_equal_posts_at_once_make_one_session(
    served: ServiceProcess, admin: httpx.Client
) -> None:
    before = position(admin.post("/ai/sessions", json=MADE))
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(
        base_url=served.base_url, auth=ADMIN, limits=limits, timeout=patient(60.0)
    ) as client:
        for path, body in (("/ai/sessions", MADE), (CHAT, {"Rank": 1})):
            headers = key()
            answers = await asyncio.gather(
                *(client.post(path, json=body, headers=headers) for _ in range(50))
            )
            made = [answer for answer in answers if answer.status_code == 200]
            firsts = [answer for answer in made if "Idempotent-Replayed" not in answer.headers]
            assert len(firsts) == 1
            assert {answer.content for answer in made} == {firsts[0].content}
            for answer in answers:
                if answer.status_code != 200:
                    assert_refused(answer, 409, "IdempotencyKeyInFlight")
                    assert int(answer.headers["Retry-After"]) >= 1
    assert follows(position(admin.post("/ai/sessions", json=MADE)), before, 3)


def test_another_s_key_opens_nothing(admin: httpx.Client, auditor: httpx.Client) -> None:
    headers = key()
    made = admin.post("/ai/sessions", json=MADE, headers=headers)
    answer = auditor.post("/ai/sessions", json=MADE, headers=headers)
    assert_refused(answer, 403)
    assert made.json()["id"] not in answer.text
