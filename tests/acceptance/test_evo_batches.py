"""Batches: order, the first error, all or nothing, and retries."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import httpx
import pytest
from support.conditions import follows
from support.refusals import Refused, refused, stored
from support.service_process import ServiceProcess

NEW = "/api/NewAISession[]"
PATCH = "/api/PatchAISession[]"
ATOMIC = "?atomic=true"
COMPLETED = "X-AutoBatch-Completed"
UNKNOWN = "01a1fe08-021c-7204-a45b-b9794c52f30f"
MAX_ITEMS = 1_000
MAX_ITEMS_TOGETHER = 256


@pytest.fixture
def sessions(admin: httpx.Client) -> list[str]:
    """The ids of three sessions at version 1."""
    made = admin.post(NEW, json=[{"purpose": "before"}] * 3)
    return [session["id"] for session in made.json()]


def patches(ids: Sequence[str]) -> list[dict[str, str]]:
    """A patch for each session, with its number as the purpose."""
    return [{"sessionId": each, "purpose": str(number)} for number, each in enumerate(ids)]


def purposes(admin: httpx.Client, ids: Sequence[str]) -> list[str]:
    """The present purposes of sessions."""
    return [admin.get(f"/ai/sessions/{each}").json()["purpose"] for each in ids]


def position(answer: httpx.Response) -> int:
    """Where in the log the last command's stream ends."""
    return int(answer.headers["X-Log-Position"].removeprefix("0:"))


def failed(answer: httpx.Response, status: int, completed: int) -> Refused:
    """The refusal of a batch."""
    assert answer.status_code == status, answer.text
    assert answer.headers[COMPLETED] == str(completed)
    return refused("json", answer.content)


@pytest.mark.parametrize("atomic", ["", ATOMIC], ids=["one by one", "atomic"])
def test_answers_come_in_the_order_of_the_requests(
    admin: httpx.Client, sessions: list[str], atomic: str
) -> None:
    ids = sessions[::-1]
    answer = admin.post(PATCH + atomic, json=patches(ids))
    assert (answer.status_code, answer.headers[COMPLETED]) == (200, "3")
    assert [(item["id"], item["purpose"]) for item in answer.json()] == [
        (each, str(number)) for number, each in enumerate(ids)
    ]
    assert purposes(admin, ids) == ["0", "1", "2"]
    assert "ETag" not in answer.headers, "there are several versions"


def test_the_positions_of_an_atomic_batch_follow_each_other(admin: httpx.Client) -> None:
    before = position(admin.post(NEW, json=[{}]))
    answer = admin.post(NEW + ATOMIC, json=[{"purpose": str(number)} for number in range(20)])
    assert follows(position(answer), before, 20)
    times = {item["dateCreated"] for item in answer.json()}
    assert len(times) == 1, "they are recorded at once"
    assert follows(position(admin.post(NEW, json=[{}])), before, 21)


def test_a_batch_stops_at_the_first_error_and_keeps_what_was_done(
    admin: httpx.Client, sessions: list[str]
) -> None:
    first, second, third = sessions
    answer = admin.post(PATCH, json=patches([first, UNKNOWN, second, third]))
    found = failed(answer, 404, completed=1)
    assert (found.code, found.meta) == ("NotFound", {"AutoBatchIndex": "1"})
    assert purposes(admin, sessions) == ["0", "before", "before"]


@pytest.mark.usefixtures("sessions", "_nothing_is_stored")
def test_an_atomic_batch_does_nothing_at_an_error(admin: httpx.Client, sessions: list[str]) -> None:
    first, second, third = sessions
    answer = admin.post(PATCH + ATOMIC, json=patches([first, second, UNKNOWN, third]))
    found = failed(answer, 404, completed=0)
    assert (found.code, found.meta) == ("NotFound", {"AutoBatchIndex": "2"})
    assert purposes(admin, sessions) == ["before"] * 3


@pytest.mark.usefixtures("_nothing_is_stored")
def test_an_atomic_batch_of_creations_needs_all_accounts(admin: httpx.Client) -> None:
    answer = admin.post(NEW + ATOMIC, json=[{"accountId": "String"}, {"accountId": "nobody"}])
    found = failed(answer, 400, completed=0)
    assert (found.code, found.fields, found.meta) == (
        "AccountNotFound", ["AccountId"], {"AutoBatchIndex": "1"},
    )  # fmt: skip


@pytest.mark.usefixtures("_nothing_is_stored")
@pytest.mark.parametrize("atomic", ["", ATOMIC], ids=["one by one", "atomic"])
@pytest.mark.parametrize(
    ("bad", "code", "fields"),
    [
        ({"purpose": 5}, "ValidationException", ["Purpose"]),
        ({"purpose": "x" * 65_537}, "ValidationException", ["Purpose"]),
        ({"purpose": "1", "PURPOSE": "2"}, "BadRequest", ["Purpose"]),
        (7, "BadRequest", []),
        (None, "BadRequest", []),
        ([], "BadRequest", []),
    ],
    ids=["type", "length", "twice", "number", "null", "array"],
)
def test_a_request_that_cannot_be_read_stops_all(
    admin: httpx.Client, bad: object, code: str, fields: list[str], atomic: str
) -> None:
    found = failed(admin.post(NEW + atomic, json=[{}, {}, bad]), 400, completed=0)
    assert (found.code, found.fields, found.meta) == (code, fields, {"AutoBatchIndex": "2"})


def test_one_session_may_come_twice_unless_the_batch_is_atomic(
    admin: httpx.Client, sessions: list[str]
) -> None:
    twice = patches([sessions[0], sessions[1], sessions[0]])
    found = failed(admin.post(PATCH + ATOMIC, json=twice), 400, completed=0)
    assert (found.code, found.meta) == ("InvalidBatch", {"AutoBatchIndex": "2"})
    assert purposes(admin, sessions) == ["before"] * 3
    answer = admin.post(PATCH, json=twice)
    assert [item["purpose"] for item in answer.json()] == ["0", "1", "2"]
    assert admin.get(f"/ai/sessions/{sessions[0]}").headers["ETag"] == '"3"'


@pytest.mark.parametrize("atomic", ["", ATOMIC], ids=["one by one", "atomic"])
@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/api/NewAISession[]", "[]", "[]"),
        ("/api/NewAISession[]", "", "[]"),
        ("/jsv/reply/NewAISession[]", "[]", "[]"),
        ("/jsonl/reply/NewAISession[]", "", ""),
        ("/csv/reply/GetAccount[]", "", (
            "Name,Id,DateCreated,DateLastModified,CreatedBy,LastModifiedBy\r\n"
        )),
    ],
)  # fmt: skip
def test_an_empty_batch_has_an_empty_answer(
    admin: httpx.Client, path: str, body: str, expected: str, atomic: str
) -> None:
    answer = admin.post(path + atomic, content=body)
    assert (answer.status_code, answer.text) == (200, expected)
    assert answer.headers[COMPLETED] == "0"


def test_one_request_makes_a_batch(admin: httpx.Client) -> None:
    for path, body in (
        ("/api/NewAISession[]", '[{"purpose":"p"}]'),
        ("/api/NewAISession[]", '{"purpose":"p"}'),
        ("/jsv/reply/NewAISession[]", "[{purpose:p}]"),
        ("/csv/reply/NewAISession[]", "Purpose\r\np\r\n"),
        ("/xml/reply/NewAISession[]", "<NewAISession><Purpose>p</Purpose></NewAISession>"),
    ):
        answer = admin.post(f"{path}?format=json", content=body)
        assert [item["purpose"] for item in answer.json()] == ["p"], path


@pytest.mark.usefixtures("_nothing_is_stored")
@pytest.mark.parametrize(
    ("atomic", "most"),
    [("", MAX_ITEMS), (ATOMIC, MAX_ITEMS_TOGETHER)],
    ids=["one by one", "atomic"],
)
def test_too_long_a_batch_is_refused_whole(admin: httpx.Client, atomic: str, most: int) -> None:
    answer = admin.post(NEW + atomic, json=[{}] * (most + 1))
    assert answer.status_code == 400
    assert str(most) in refused("json", answer.content).message


def test_the_longest_atomic_batch_is_welcome(admin: httpx.Client) -> None:
    answer = admin.post(NEW + ATOMIC, json=[{}] * MAX_ITEMS_TOGETHER)
    assert (answer.status_code, len(answer.json())) == (200, MAX_ITEMS_TOGETHER)


@pytest.mark.parametrize("atomic", ["", ATOMIC], ids=["one by one", "atomic"])
def test_queries_come_in_batches_too(admin: httpx.Client, sessions: list[str], atomic: str) -> None:
    asked = [{"sessionId": each} for each in sessions]
    answer = admin.post(f"/api/GetAISession[]{atomic}", json=asked)
    assert answer.json() == [admin.get(f"/ai/sessions/{each}").json() for each in sessions]
    answer = admin.post(f"/api/GetAISession[]{atomic}", json=[*asked, {"sessionId": "none"}])
    assert failed(answer, 404, completed=3).meta == {"AutoBatchIndex": "3"}


@pytest.mark.parametrize("format_", ["json", "xml", "jsv", "csv", "jsonl"])
def test_lists_come_in_batches_in_every_format(
    admin: httpx.Client, sessions: list[str], format_: str
) -> None:
    asked = [{"specificIds": sessions[:1]}, {"specificIds": sessions[1:]}, {"specificIds": ["-"]}]
    answer = admin.post(f"/api/ListAISessions[].{format_}", json=asked)
    assert (answer.status_code, answer.headers[COMPLETED]) == (200, "3")
    assert [each for each in sessions if each not in answer.text] == []


@pytest.mark.parametrize("atomic", ["", ATOMIC], ids=["one by one", "atomic"])
def test_a_batch_of_deletions_says_nothing(
    admin: httpx.Client, sessions: list[str], atomic: str
) -> None:
    answer = admin.post(
        f"/api/DeleteAISession[]{atomic}", json=[{"sessionId": s} for s in sessions]
    )
    assert (answer.status_code, answer.content, answer.headers[COMPLETED]) == (204, b"", "3")
    for each in sessions:
        assert admin.get(f"/ai/sessions/{each}").status_code == 404


@pytest.mark.parametrize("atomic", ["", ATOMIC], ids=["one by one", "atomic"])
def test_a_retried_batch_gets_the_first_answers(
    admin: httpx.Client, served: ServiceProcess, sessions: list[str], atomic: str
) -> None:
    for path, body in (
        (NEW, [{"purpose": "a"}, {"purpose": "b"}]),
        (PATCH, patches(sessions)),
        ("/api/DeleteAISession[]", [{"sessionId": each} for each in sessions]),
    ):
        headers = {"Idempotency-Key": str(uuid4())}
        first = admin.post(path + atomic, json=body, headers=headers)
        assert first.status_code in (200, 204)
        assert "Idempotent-Replayed" not in first.headers
        before = stored(served)
        again = admin.post(path + atomic, json=body, headers=headers)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert position(again) == position(first)
        assert stored(served) == before


def test_a_retry_goes_on_where_the_first_try_stopped(admin: httpx.Client) -> None:
    account = f"later-{uuid4()}"
    headers = {"Idempotency-Key": str(uuid4())}
    body = [{"purpose": "a"}, {"accountId": account}]
    failed(admin.post(NEW, json=body, headers=headers), 400, completed=1)
    made = position(admin.post("/accounts", json={"id": account, "name": "n"}))
    again = admin.post(NEW, json=body, headers=headers)
    assert again.status_code == 200
    assert follows(position(again), made), "only the second is new"


@pytest.mark.parametrize("atomic", ["", ATOMIC], ids=["one by one", "atomic"])
def test_a_key_that_comes_back_with_another_batch_is_refused(
    admin: httpx.Client, served: ServiceProcess, atomic: str
) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    body: list[dict[str, Any]] = [{"purpose": "a"}, {"purpose": "b"}]
    assert admin.post(NEW + atomic, json=body, headers=headers).status_code == 200
    before = stored(served)
    other = [{"purpose": "another"}, {"purpose": "b"}]
    answer = admin.post(NEW + atomic, json=other, headers=headers)
    found = failed(answer, 422, completed=0)
    assert (found.code, found.meta) == ("IdempotencyKeyReused", {"AutoBatchIndex": "0"})
    assert stored(served) == before


@pytest.mark.usefixtures("sessions", "_nothing_is_stored")
@pytest.mark.parametrize("condition", ["If-Match", "If-None-Match"])
def test_a_condition_names_one_session_and_no_batch(
    admin: httpx.Client, sessions: list[str], condition: str
) -> None:
    answer = admin.post(PATCH, json=patches(sessions), headers={condition: "*"})
    assert answer.status_code == 400
    assert refused("json", answer.content).fields == [condition]


@pytest.mark.usefixtures("_nothing_is_stored")
@pytest.mark.parametrize("asked", ["yes", "on", "tru", "2", "-"])
def test_who_asks_for_all_or_nothing_in_other_words_is_told(
    admin: httpx.Client, asked: str
) -> None:
    answer = admin.post(f"{NEW}?atomic={asked}", json=[{}, {}])
    assert answer.status_code == 400
    assert refused("json", answer.content).fields == ["Atomic"]


@pytest.mark.parametrize("query", ["atomic=1", "ATOMIC=True", "Atomic=TRUE&format=json"])
def test_atomic_is_understood_in_any_case(admin: httpx.Client, query: str) -> None:
    answer = admin.post(f"{NEW}?{query}", json=[{}, {}])
    assert len({item["dateCreated"] for item in answer.json()}) == 1
