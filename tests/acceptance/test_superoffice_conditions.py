"""Conditions by date and by version on a session that is named, and what they are told."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

import httpx
import pytest
from support.chat_service import AGENT, ERROR, PATH, Chats
from support.patience import patient

COMMANDS = [
    ("PUT", f"{PATH}/{{}}"),
    ("PATCH", f"{PATH}/{{}}"),
    ("DELETE", f"{PATH}/{{}}"),
    ("POST", f"{PATH}/{{}}/Pickup"),
    ("POST", f"{PATH}/{{}}/Reset"),
    ("POST", f"{PATH}/{{}}/Messages"),
    ("POST", f"{AGENT}/DeleteChatSessionEntity?chatSessionEntityId={{}}"),
]
BY_BODY = [
    ("POST", f"{PATH}/{{}}/TransferTo/pat"),
    ("POST", f"{PATH}/{{}}/AcceptTransfer"),
    ("POST", f"{PATH}/{{}}/RejectTransfer"),
    *(
        ("POST", f"{AGENT}/{name}")
        for name in (
            "SaveChatSessionEntity",
            "TransferChatSession",
            "AcceptChatSessionTransfer",
            "RejectChatSessionTransfer",
            "PickUpChatSession",
            "ResetChatSession",
            "AddChatMessage",
        )
    ),
]
LONG_AGO = "Sat, 21 Nov 2020 10:00:00 GMT"
IN_FUTURE = "Sat, 21 Nov 2099 10:00:00 GMT"
SETTLED_S = 10.0
CHANGES: dict[str, dict[str, object]] = {
    "PUT": {"Rating": 3},
    "PATCH": {"Rating": 3},
    "POST": {"Message": "Hello"},
}


@pytest.fixture
def path(chats: Chats) -> str:
    """A session in the queue."""
    return f"{PATH}/{chats.queued()}"


def settled(client: httpx.Client, path: str) -> httpx.Response:
    """A reading that says when the session changed: none does at once."""
    deadline = time.monotonic() + patient(SETTLED_S)
    while "Last-Modified" not in (answer := client.get(path)).headers:
        assert time.monotonic() < deadline, "No reading says when the session changed"
        time.sleep(0.05)
    return answer


def before(answer: httpx.Response, seconds: float = 1) -> str:
    """The date so long before that of an answer's Last-Modified."""
    changed = parsedate_to_datetime(answer.headers["Last-Modified"])
    return format_datetime(changed - timedelta(seconds=seconds), usegmt=True)


def test_answers_by_id_say_when_the_session_changed_once_that_second_is_past(
    chats: Chats, path: str
) -> None:
    kim = chats["kim"]
    patched = kim.patch(path, json={"Rating": 2})
    assert patched.status_code == 200
    assert "Last-Modified" not in patched.headers, "it may change again within that second"
    found = settled(kim, path)
    changed = parsedate_to_datetime(found.headers["Last-Modified"])
    assert changed < parsedate_to_datetime(found.headers["Date"])
    assert abs(datetime.now(UTC) - changed) < timedelta(minutes=2)
    for answer in (kim.head(path), kim.patch(path, json={"Rating": 2})):
        assert answer.headers["Last-Modified"] == found.headers["Last-Modified"]


def test_of_two_who_send_back_one_date_the_second_is_refused(chats: Chats, path: str) -> None:
    kim = chats["kim"]
    headers = {"If-Unmodified-Since": settled(kim, path).headers["Last-Modified"]}
    answers = [kim.patch(path, json={"Rating": n}, headers=headers) for n in (1, 2)]
    assert [answer.status_code for answer in answers] == [200, 412]
    assert kim.get(path).json()["Rating"] == 1


def test_within_the_second_of_a_change_a_date_tells_nobody_that_there_was_none(
    chats: Chats, path: str
) -> None:
    kim = chats["kim"]
    second = before(settled(kim, path))
    changed = kim.get(path, headers={"If-Modified-Since": second})
    assert (changed.status_code, changed.json()["CustomerName"]) == (200, "Sam")
    refused = kim.patch(path, json={"Rating": 1}, headers={"If-Unmodified-Since": second})
    assert refused.status_code == 412


def test_what_did_not_change_is_not_sent_again(chats: Chats, path: str) -> None:
    kim = chats["kim"]
    first = settled(kim, path)
    for since in (first.headers["Last-Modified"], before(first, -60)):
        answer = kim.get(path, headers={"If-Modified-Since": since})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == first.headers["ETag"]
        assert answer.headers["Last-Modified"] == first.headers["Last-Modified"]
    changed = kim.get(path, headers={"If-Modified-Since": before(first)})
    assert changed.content == first.content


def test_a_version_that_is_known_is_not_sent_again(chats: Chats, path: str) -> None:
    kim = chats["kim"]
    first = settled(kim, path)
    tag = first.headers["ETag"]
    for known in (tag, f"W/{tag}", f'"0", {tag}', "*"):
        answer = kim.get(path, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content) == (304, b""), known
        assert answer.headers["ETag"] == tag
    since = first.headers["Last-Modified"]
    other = kim.get(path, headers={"If-None-Match": '"0", x', "If-Modified-Since": since})
    assert other.content == first.content, "the version goes before the date"


@pytest.mark.parametrize(
    "date", ["yesterday", "", "9" * 300, "Sat, 99 Nov 2026 10:00:00 GMT", "2026-11-21", '"1"']
)
def test_a_date_that_is_none_counts_as_absent(chats: Chats, path: str, date: str) -> None:
    headers = {"If-Modified-Since": date, "If-Unmodified-Since": date}
    assert chats["kim"].get(path, headers=headers).status_code == 200
    assert chats["kim"].patch(path, json={"Rating": 1}, headers=headers).status_code == 200


@pytest.mark.parametrize(("method", "template"), COMMANDS)
def test_a_command_on_what_changed_since_then_is_refused(
    chats: Chats, path: str, method: str, template: str
) -> None:
    number = path.rpartition("/")[2]
    found = chats["admin"].get(path)
    headers = {"If-Unmodified-Since": LONG_AGO}
    answer = chats["admin"].request(
        method, template.format(number), json=CHANGES.get(method), headers=headers
    )
    assert (answer.status_code, list(answer.json())) == (412, ERROR)
    assert "If-Unmodified-Since" in answer.json()["ErrorMessage"]
    assert answer.headers["ETag"] == found.headers["ETag"]
    assert chats["admin"].get(path).content == found.content


@pytest.mark.parametrize(("method", "template"), COMMANDS)
@pytest.mark.parametrize("condition", ["If-Unmodified-Since", "If-Match"])
def test_a_command_on_what_did_not_change_is_carried_out(
    chats: Chats, path: str, method: str, template: str, condition: str
) -> None:
    number = path.rpartition("/")[2]
    found = chats["admin"].get(path)
    headers = {condition: found.headers["ETag"] if condition == "If-Match" else IN_FUTURE}
    answer = chats["admin"].request(
        method, template.format(number), json=CHANGES.get(method), headers=headers
    )
    assert answer.status_code in (200, 204), answer.text


@pytest.mark.parametrize(("method", "template"), COMMANDS)
def test_a_command_for_another_version_is_refused(
    chats: Chats, path: str, method: str, template: str
) -> None:
    number = path.rpartition("/")[2]
    headers = {"If-Match": '"7"', "If-Unmodified-Since": IN_FUTURE}
    answer = chats["admin"].request(
        method, template.format(number), json=CHANGES.get(method), headers=headers
    )
    assert (answer.status_code, answer.headers["ETag"]) == (412, '"1"')


@pytest.mark.parametrize(("method", "template"), [*COMMANDS, *BY_BODY])
@pytest.mark.parametrize("condition", ["*", 'W/"1", "7"'], ids=["any", "a list"])
def test_a_command_unless_it_is_there_is_refused(
    chats: Chats, path: str, method: str, template: str, condition: str
) -> None:
    number = path.rpartition("/")[2]
    found = chats["admin"].get(path)
    sent: dict[str, object] = {"ChatSessionId": int(number), "ToAssociate": "pat"}
    sent.update(CHANGES.get(method, {}))
    if template.endswith("AddChatMessage"):
        sent = {"ChatSessionId": int(number), "Message": {"Message": "Hello"}}
    answer = chats["admin"].request(
        method, template.format(number), json=sent, headers={"If-None-Match": condition}
    )
    assert (answer.status_code, list(answer.json())) == (412, ERROR)
    assert answer.json()["ErrorMessage"] == "The present version is 1"
    assert chats["admin"].get(path).content == found.content


def test_both_a_date_and_an_excluded_version_must_hold(chats: Chats, path: str) -> None:
    kim = chats["kim"]
    for since, excluded, status in (
        (IN_FUTURE, "*", 412),
        (LONG_AGO, '"7"', 412),
        (IN_FUTURE, '"7"', 200),
    ):
        headers = {"If-Unmodified-Since": since, "If-None-Match": excluded}
        assert kim.patch(path, json={"Rating": 1}, headers=headers).status_code == status


def test_the_first_in_the_queue_is_picked_up_whatever_version_is_excluded(chats: Chats) -> None:
    chats.queued()
    picked = chats["kim"].post(f"{PATH}/Pickup", headers={"If-None-Match": "*"})
    assert (picked.status_code, picked.json()["User"]["Name"]) == (200, "kim")


def test_of_two_conditions_the_version_counts(chats: Chats, path: str) -> None:
    found = chats["kim"].get(path)
    headers = {"If-Match": found.headers["ETag"], "If-Unmodified-Since": LONG_AGO}
    assert chats["kim"].patch(path, json={"Rating": 1}, headers=headers).status_code == 200


def test_a_retried_patch_gets_its_first_answer(chats: Chats, path: str) -> None:
    kim = chats["kim"]
    patch = [
        {"op": "test", "path": "status", "value": "InQueue"},
        {"op": "replace", "path": "status", "value": "Closed"},
    ]
    key = {"Idempotency-Key": f"patch {path} {time.time()}"}
    first = kim.patch(path, json=patch, headers=key)
    assert (first.status_code, first.json()["Status"]) == (200, "Closed")
    kim.patch(path, json={"Rating": 4})
    again = kim.patch(path, json=patch, headers=key)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    other = kim.patch(path, json={"Rating": 5}, headers=key)
    assert other.status_code == 422
    assert kim.patch(path, json=patch).status_code == 409


def test_a_retry_under_a_date_gets_its_first_answer(chats: Chats, path: str) -> None:
    kim = chats["kim"]
    headers = {
        "Idempotency-Key": f"dated {path} {time.time()}",
        "If-Unmodified-Since": settled(kim, path).headers["Last-Modified"],
    }
    first = kim.patch(path, json={"Rating": 4}, headers=headers)
    assert first.status_code == 200
    headers["If-Unmodified-Since"] = LONG_AGO
    again = kim.patch(path, json={"Rating": 4}, headers=headers)
    assert (again.status_code, again.content) == (200, first.content)


def test_a_replacement_is_no_retry_of_a_patch_with_the_same_body(chats: Chats, path: str) -> None:
    kim, headers = chats["kim"], {"Idempotency-Key": f"both-{path}"}
    assert kim.patch(path, json={"Rating": 4}, headers=headers).status_code == 200
    assert kim.put(path, json={"Rating": 4}, headers=headers).status_code == 422
    assert kim.get(path).json()["CustomerName"] == "Sam"


def test_a_customer_changes_the_session_under_the_version_that_its_reading_showed(
    chats: Chats, path: str
) -> None:
    sam = chats["sam"]
    seen = sam.get(path)
    assert seen.json()["WhenFetched"] != "0001-01-01T00:00:00"
    assert seen.headers["ETag"] == chats["kim"].get(path).headers["ETag"]
    headers = {"If-Match": seen.headers["ETag"]}
    assert sam.patch(path, json={"Rating": 4}, headers=headers).status_code == 200


def test_a_version_that_is_not_the_sessions_goes_before_a_test_that_fails(
    chats: Chats, path: str
) -> None:
    kim = chats["kim"]
    version = kim.get(path).headers["ETag"]
    kim.patch(path, json={"Rating": 4}).raise_for_status()
    failing = [{"op": "test", "path": "/Rating", "value": 1}]
    assert kim.patch(path, json=failing, headers={"If-Match": version}).status_code == 412
    assert kim.patch(path, json=failing).status_code == 409
