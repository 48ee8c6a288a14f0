"""Sequences that are behind the log, or used up, over sockets: new chats and their messages."""

import asyncio
from collections.abc import Iterator

import asyncpg
import httpx
import pytest
from support.chat_service import AGENT, ERROR, PATH, number
from support.numbers import make_last
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess, no_difference, service

SEQUENCES = ("chat_session_number", "chat_message_number")
LAST = 2**31 - 1
HELLO = {"Message": "hello", "Author": "Sam", "Type": "ToUser"}


@pytest.fixture(scope="module")
def served() -> Iterator[ServiceProcess]:
    with service("--workers=2") as served:
        yield served
        assert served.stop() == 0, served.log
        assert "Traceback" not in served.log


@pytest.fixture
def admin(served: ServiceProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=patient(20.0)) as client:
        yield client


def set_sequences(served: ServiceProcess, last: int) -> None:
    async def ask() -> None:
        connection = await asyncpg.connect(served.database_url)
        for name in SEQUENCES:
            await make_last(connection, name, last)
        await connection.close()

    with asyncio.Runner() as runner:
        runner.run(ask())


def test_after_a_reset_and_a_restart_nobody_is_refused(
    served: ServiceProcess, admin: httpx.Client
) -> None:
    made = [number(admin.post(PATH, json={"CustomerName": "Kim"})) for _ in range(70)]
    for gone in made[50:]:
        assert admin.delete(f"{PATH}/{gone}").status_code == 204
    old = admin.post(f"{PATH}/{made[0]}/Messages", json=HELLO).json()["ChatMessageId"]
    set_sequences(served, 0)
    assert [line.split()[2] for line in no_difference(served)] == [*SEQUENCES]
    assert served.stop() == 0
    served.start()
    answers = [admin.post(PATH, json={"CustomerName": "Max"}) for _ in range(70)]
    assert {answer.status_code for answer in answers} == {200}
    assert not {number(answer) for answer in answers} & {*made}
    new = admin.post(f"{PATH}/{made[0]}/Messages", json=HELLO).json()["ChatMessageId"]
    assert new > old
    assert no_difference(served) == []


def test_when_numbers_are_used_up_new_things_are_refused_and_retries_answered(
    served: ServiceProcess, admin: httpx.Client
) -> None:
    made = [number(admin.post(PATH, json={}, headers={"Idempotency-Key": "chat"}))]
    messages = f"{PATH}/{made[0]}/Messages"
    first = admin.post(messages, json=HELLO, headers={"Idempotency-Key": "message"})
    set_sequences(served, LAST)
    assert served.stop() == 0  # with what its workers had drawn ahead
    served.start()
    refused = [
        admin.post(PATH, json={}),
        admin.post(PATH, json={}, headers={"Idempotency-Key": "another"}),
        admin.post(f"{AGENT}/SaveChatSessionEntity", json={"Rank": 1}),
        admin.post(messages, json=HELLO),
    ]
    for answer in refused:
        assert answer.status_code == 409, answer.text
        assert list(answer.json()) == ERROR
        assert str(LAST) in answer.json()["ErrorMessage"]
    in_xml = admin.post(PATH, json={}, headers={"Accept": "application/xml"})
    assert (in_xml.status_code, str(LAST) in in_xml.text) == (409, True)
    again = admin.post(PATH, json={}, headers={"Idempotency-Key": "chat"})
    assert (number(again), again.headers["Idempotent-Replayed"]) == (made[0], "true")
    said_again = admin.post(messages, json=HELLO, headers={"Idempotency-Key": "message"})
    assert said_again.json() == first.json()
    assert admin.get(f"{PATH}/{made[0]}").status_code == 200
    assert admin.delete(f"{PATH}/{made[0]}").status_code == 204
    metrics = admin.get("/metrics").text
    assert 'sessionary_numbers_used_ratio{sequence="chat_session_number"} 1.0' in metrics
    assert "Numbers run out: chat_session_number has used 100.0 %" in served.log
