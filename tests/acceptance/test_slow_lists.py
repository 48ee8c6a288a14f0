"""Lists that take long hold up their own caller, nobody else, and are no outage."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import asyncpg
import httpx
import pytest
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess, service
from support.users import add_users

from app.settings import Settings

CHATS = "/api/v1/ChatSession"
CALLERS = ("kim", "pat", "sam")
DEADLINE_S = Settings(database_url="", master_key=b"").list_deadline_s
PATIENCE_S = 120.0
SLOW = " or ".join(f"contains(text,'x{number}')" for number in range(95))
_BULK = """
INSERT INTO chat_session_entity (partition, stream_id, version, position,
       created_by, created_at, modified_by, modified_at, doc)
SELECT 0, gen_random_uuid(), 1, n, 'kim', now(), 'kim', now(),
       jsonb_build_object('chat_session_id', 1000 + n, 'status', 'Closed', 'first_message',
                          repeat('lorem ipsum ', 80))
  FROM generate_series(1, 60000) AS n
"""


@pytest.fixture(scope="module")
def slow() -> Iterator[tuple[ServiceProcess, dict[str, str]]]:
    """A service of one worker with many sessions, and the tokens of its callers."""
    with service("--workers=1") as served:
        tokens = add_users(served, dict.fromkeys((*CALLERS, "max"), "Agent"))
        told(served, _BULK)
        yield served, tokens


def told(served: ServiceProcess, sql: str) -> None:
    """Have the database do something, as its owner."""

    async def tell() -> None:
        owner = await asyncpg.connect(served.database_url)
        try:
            await owner.execute(sql)
        finally:
            await owner.close()

    with asyncio.Runner() as runner:
        runner.run(tell())


def timed(
    served: ServiceProcess, token: str, method: str, path: str, **sent: Any
) -> tuple[httpx.Response, float]:
    began = time.monotonic()
    answer = httpx.request(
        method,
        served.base_url + path,
        headers={"authorization": f"Bearer {token}"},
        timeout=patient(PATIENCE_S),
        **sent,
    )
    return answer, time.monotonic() - began


def test_slow_lists_hold_up_their_callers_only(
    slow: tuple[ServiceProcess, dict[str, str]],
) -> None:
    served, tokens = slow
    with httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=patient(PATIENCE_S)) as admin:
        made = admin.post(CHATS, json={"CustomerName": "Sam"}).json()["ChatSessionId"]
    with ThreadPoolExecutor(32) as threads:

        def asked(name: str, path: str) -> "Future[tuple[httpx.Response, float]]":
            return threads.submit(timed, served, tokens[name], "GET", path)

        slow_path = f"{CHATS}?$filter={SLOW}"
        lists = [asked("kim", slow_path) for _ in range(6)]
        # One of two places is free: at once.
        answer, took_s = timed(served, tokens["max"], "GET", f"{CHATS}?$top=1")
        assert (answer.status_code, took_s < patient(DEADLINE_S / 2)) == (200, True), (
            answer.text,
            took_s,
        )
        lists += [asked(name, slow_path) for name in CALLERS[1:] for _ in range(6)]
        others = [
            asked("max", f"{CHATS}/{made}"),
            asked("max", "/health/ready"),
            threads.submit(
                timed, served, tokens["max"], "PATCH", f"{CHATS}/{made}", json={"CustomerName": "P"}
            ),
        ]
        for other in others:
            answer, took_s = other.result()
            assert (answer.status_code, took_s < patient(DEADLINE_S)) == (200, True), (
                answer.text,
                took_s,
            )
        # Behind one list of each of the others.
        answer, _ = asked("max", f"{CHATS}?$top=1").result()
        assert answer.status_code == 200, answer.text
        told(served, "DELETE FROM chat_session_entity WHERE chat_session_id > 1000")
        found = [future.result()[0] for future in lists]
    # Those that came late had nothing to read any more.
    assert {answer.status_code for answer in found} - {200, 429} == {400}
    for answer in found:
        assert "atabase" not in answer.text
        if answer.status_code == 400:
            assert "ask for fewer or simpler rows" in answer.text
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.json()["ErrorType"] == "SoTooManyRequestsException"
    assert served.is_ready()
    assert "does not answer" not in served.log
    assert "Traceback" not in served.log


@pytest.mark.parametrize("count", [101, 400])
def test_a_filter_of_too_many_conditions_is_refused_at_once(
    slow: tuple[ServiceProcess, dict[str, str]], count: int
) -> None:
    served, tokens = slow
    text = " or ".join(["a<1"] * count)
    answer, _ = timed(served, tokens["max"], "GET", f"{CHATS}?$filter={text}")
    assert answer.status_code == 400
    assert "100 conditions" in answer.json()["ErrorMessage"]


@pytest.mark.parametrize("name", ["specificIds", "accountIds"])
def test_a_list_by_too_many_ids_is_refused(
    slow: tuple[ServiceProcess, dict[str, str]], name: str
) -> None:
    served, _ = slow
    body = {name: [f"a{number}" for number in range(1_001)]}
    answer = httpx.post(f"{served.base_url}/api/ListAISessions", json=body, auth=ADMIN)
    assert answer.status_code == 400
    assert "length <= 1000" in answer.json()["responseStatus"]["message"]
