"""What real clients write for values and dates, in each way into a session."""

from typing import Any

import httpx
import pytest
from support.chat_service import AGENT, PATH, Chats, number

UNSET = "0001-01-01T00:00:00"
NOT_SET = (
    "0000-12-31T23:06:32.000Z",
    "0001-01-01T04:56:02.000Z",
    "0001-01-01T00:00:00+01:00",
    "0001-01-01T00:00:00-14:00",
    "0001-01-01T15:56:08Z",
    "-000001-12-31T23:06:32.000Z",
    "0001-01-01",
)
CASES: list[tuple[str, object, object]] = [
    ("TopicId", "3", 3),
    ("TopicId", 3.0, 3),
    ("Rank", "-3", -3),
    ("CustomerPhone", 4712345678, "4712345678"),
    ("CustomerConsented", "true", True),
    ("CustomerConsented", 1, True),
    ("ChatbotIsActive", "False", False),
    ("Status", "9", "Closed"),
    ("Flags", "useristyping", "UserIsTyping"),
    ("WhenIdle", "2018-12-24T12:34:45+0100", "2018-12-24T12:34:45+01:00"),
    ("WhenIdle", "2018-12-24 12:34:45z", "2018-12-24T12:34:45Z"),
    ("WhenIdle", "0000-12-31T23:06:32.000Z", UNSET),
]
REFUSED: list[tuple[str, object]] = [
    ("TopicId", 2.5),
    ("TopicId", ""),
    ("TopicId", "2.5"),
    ("TopicId", "2147483648"),
    ("TopicId", 2147483648.0),
    ("TopicId", True),
    ("CustomerConsented", "yes"),
    ("CustomerConsented", ""),
    ("CustomerPhone", 10**33),
    ("CustomerPhone", []),
    ("Status", "Pending"),
    ("WhenIdle", "0000-12-30T00:00:00Z"),
    ("WhenIdle", "2018-12-24T12:34:45+1500"),
    ("WhenIdle", ""),
]


def xml(name: str, value: object) -> bytes:
    return f"<ChatSessionEntity><{name}>{value}</{name}></ChatSessionEntity>".encode()


def by_each_way(client: httpx.Client, made: int, name: str, value: object) -> dict[str, Any]:
    """The answers to a member that is given in each way that takes JSON."""
    path, patch = f"{PATH}/{made}", {"op": "replace", "path": name, "value": value}
    saved = {"ChatSessionId": made, name: value}
    return {
        "POST": client.post(PATH, json={name: value}),
        "PUT": client.put(path, json={name: value}),
        "merge": client.patch(path, json={name: value}),
        "patch": client.patch(path, json=[patch]),
        "whole": client.patch(path, json=[patch | {"path": "", "value": {name: value}}]),
        "RPC": client.post(f"{AGENT}/SaveChatSessionEntity", json=saved),
    }


@pytest.mark.parametrize(("name", "value", "expected"), CASES)
def test_a_value_counts_as_its_text_in_every_way_in(
    chats: Chats, name: str, value: object, expected: object
) -> None:
    admin, made = chats["admin"], chats.new()
    answers = by_each_way(admin, made, name, value)
    path = f"{PATH}/{made}"
    answers["test"] = admin.patch(path, json=[{"op": "test", "path": name, "value": value}])
    text = str(value)
    answers["form"] = admin.put(path, data={name: text})
    answers["XML"] = admin.put(
        path, content=xml(name, text), headers={"Content-Type": "application/xml"}
    )
    for way, answer in answers.items():
        assert answer.status_code == 200, (way, answer.text)
        assert answer.json()[name] == expected, way


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_what_no_text_of_it_says_is_refused_in_every_way_in(
    chats: Chats, name: str, value: object
) -> None:
    made = chats.new()
    for way, answer in by_each_way(chats["admin"], made, name, value).items():
        assert answer.status_code == 400, (way, answer.text)
        assert name in answer.text, way
    assert chats["admin"].get(f"{PATH}/{made}").headers["ETag"] == '"1"', "nothing changed"


@pytest.mark.parametrize("when", NOT_SET)
def test_a_date_near_the_first_is_not_set_and_does_not_jump_the_queue(
    chats: Chats, when: str
) -> None:
    admin, expected = chats["admin"], [chats.queued()]
    for answer in (
        admin.post(PATH, json={"Status": "InQueue", "WhenRequested": when}),
        admin.put(f"{PATH}/{chats.new()}", data={"Status": "InQueue", "WhenRequested": when}),
        admin.patch(f"{PATH}/{chats.new()}", json={"Status": 4, "WhenRequested": when}),
    ):
        assert answer.status_code == 200, answer.text
        assert answer.json()["WhenRequested"] > "2020"
        assert answer.json()["WhenEnded"] == UNSET
        expected.append(number(answer))
    picked: list[int] = []
    while len(picked) < len(expected):  # others may still wait from before
        found = number(admin.post(f"{PATH}/Pickup"))
        picked += [found] if found in expected else []
    assert picked == expected, "each in its turn"


def test_lists_are_filtered_by_dates_as_clients_write_them(chats: Chats) -> None:
    admin = chats["admin"]
    made = chats.new(TopicId=77, WhenRequested="2018-12-24T12:34:45+0100")
    never = chats.new(TopicId=77)

    def found(condition: str) -> list[str]:
        answer = admin.get(PATH, params={"$filter": f"chatTopic/chatTopicId eq 77 and {condition}"})
        assert answer.status_code == 200, answer.text
        return [row["PrimaryKey"] for row in answer.json()["value"]]

    for written in (
        "'2018-12-24T12:34:45+0100'",
        "'2018-12-24T12:34:45 0100'",
        "2018-12-24T11:34:45z",
        "datetime'2018-12-24 11:34:45Z'",
    ):
        assert found(f"whenRequested dateTime {written}") == [str(made)], written
    for written in (*NOT_SET, UNSET):
        assert found(f"whenRequested eq '{written}'") == [str(never)], written
        assert found(f"whenRequested ne '{written}'") == [str(made)], written
        assert found(f"whenRequested gt '{written}'") == [str(made)], written


@pytest.mark.parametrize(("length", "status"), [(60_000, 200), (65_536, 200), (65_537, 400)])
def test_a_long_message_is_taken(chats: Chats, length: int, status: int) -> None:
    admin, text = chats["admin"], "é" * length
    made = chats.queued()
    path = f"{PATH}/{made}/Messages"
    sent: dict[str, Any] = {"ChatSessionId": made, "Message": {"Type": "ToUser", "Message": text}}
    for answer in (
        admin.post(path, json=sent["Message"]),
        admin.post(path, data={"Type": "2", "Message": text}),
        admin.post(f"{AGENT}/AddChatMessage", json=sent),
    ):
        assert answer.status_code == status, answer.text[:200]
        if status == 200:
            assert answer.json()["Message"] == text
    if status == 200:
        assert [each["Message"] for each in admin.get(path).json()] == [text] * 3
        assert text in admin.post(f"{PATH}/{made}/Transcript").json()
        assert admin.get(f"{PATH}/{made}").json()["LastMessage"] == text[:1024]


@pytest.mark.parametrize("layout", ["{}", " {} ", "\n    {}\n  "])
@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("WhenEnded", "2018-12-24T12:34:45+0100", "2018-12-24T12:34:45+01:00"),
        ("WhenEnded", "0000-12-31T23:06:32.000Z", UNSET),
        ("WhenEnded", "", UNSET),
        ("TopicId", "3.0", 3),
        ("CustomerConsented", "true", True),
        ("Status", "9", "Closed"),
        ("Flags", "CustomerIsTyping, UserIsTyping", "UserIsTyping"),
    ],
)
def test_layout_of_xml_is_no_part_of_a_value(
    chats: Chats, layout: str, name: str, text: str, shown: object
) -> None:
    value = layout.format(text) if text else layout.replace("{}", "")
    body = f"<ChatSessionEntity><{name}>{value}</{name}></ChatSessionEntity>"
    headers = {"Content-Type": "application/xml", "Accept": "application/json"}
    answer = chats["admin"].post(PATH, content=body, headers=headers)
    assert (answer.status_code, answer.json().get(name)) == (200, shown), answer.text
