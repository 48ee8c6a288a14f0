"""Conditions by date and by version on a session that is named, and what they are told."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

import httpx
import pytest

from acceptance.chats import AGENT, ERROR, PATH, Chats

COMMANDS = [
    ("PUT", f"{PATH}/{{}}"),
    ("PATCH", f"{PATH}/{{}}"),
    ("DELETE", f"{PATH}/{{}}"),
    ("POST", f"{PATH}/{{}}/Pickup"),
    ("POST", f"{PATH}/{{}}/Reset"),
    ("POST", f"{PATH}/{{}}/Messages"),
    ("POST", f"{AGENT}/DeleteChatSessionEntity?chatSessionEntityId={{}}"),
]
CHANGES = {"PUT": {"Rating": 3}, "PATCH": {"Rating": 3}, "POST": {"Message": "Hello"}}


@pytest.fixture
def path(chats: Chats) -> str:
    """A session in the queue."""
    return f"{PATH}/{chats.queued()}"


def before(answer: httpx.Response, seconds: float = 1) -> str:
    """The date so long before that of an answer's Last-Modified."""
    changed = parsedate_to_datetime(answer.headers["Last-Modified"])
    return format_datetime(changed - timedelta(seconds=seconds), usegmt=True)


def test_every_answer_by_id_says_when_the_session_changed(chats: Chats, path: str) -> None:
    kim = chats["kim"]
    answers = [
        kim.get(path),
        kim.head(path),
        kim.put(path, json={"Rating": 1, "Status": "InQueue"}),
        kim.patch(path, json={"Rating": 2}),
        kim.post(f"{path}/Pickup"),
    ]
    for answer in answers:
        changed = parsedate_to_datetime(answer.headers["Last-Modified"])
        assert abs(datetime.now(UTC) - changed) < timedelta(minutes=2)
    assert kim.get(path).headers["Last-Modified"] == answers[-1].headers["Last-Modified"]


def test_what_did_not_change_is_not_sent_again(chats: Chats, path: str) -> None:
    kim = chats["kim"]
    first = kim.get(path)
    for since in (first.headers["Last-Modified"], before(first, -60)):
        answer = kim.get(path, headers={"If-Modified-Since": since})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == first.headers["ETag"]
        assert answer.headers["Last-Modified"] == first.headers["Last-Modified"]
    changed = kim.get(path, headers={"If-Modified-Since": before(first)})
    assert changed.content == first.content


def test_a_version_that_is_known_is_not_sent_again(chats: Chats, path: str) -> None:
    kim = chats["kim"]
    first = kim.get(path)
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
    headers = {"If-Unmodified-Since": before(found)}
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
    value = found.headers["ETag" if condition == "If-Match" else "Last-Modified"]
    headers = {condition: value}
    answer = chats["admin"].request(
        method, template.format(number), json=CHANGES.get(method), headers=headers
    )
    assert answer.status_code in (200, 204), answer.text


@pytest.mark.parametrize(("method", "template"), COMMANDS)
def test_a_command_for_another_version_is_refused(
    chats: Chats, path: str, method: str, template: str
) -> None:
    number = path.rpartition("/")[2]
    headers = {"If-Match": '"7"', "If-Unmodified-Since": "Sat, 21 Nov 2099 10:00:00 GMT"}
    answer = chats["admin"].request(
        method, template.format(number), json=CHANGES.get(method), headers=headers
    )
    assert (answer.status_code, answer.headers["ETag"]) == (412, '"1"')


def test_of_two_conditions_the_version_counts(chats: Chats, path: str) -> None:
    found = chats["kim"].get(path)
    headers = {"If-Match": found.headers["ETag"], "If-Unmodified-Since": before(found)}
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
        "If-Unmodified-Since": kim.get(path).headers["Last-Modified"],
    }
    first = kim.patch(path, json={"Rating": 4}, headers=headers)
    assert first.status_code == 200
    changed = parsedate_to_datetime(first.headers["Last-Modified"])
    headers["If-Unmodified-Since"] = format_datetime(changed - timedelta(hours=1), usegmt=True)
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
