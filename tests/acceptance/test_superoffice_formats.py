"""The seven types of requests and six of answers, time zones and languages, over HTTP."""

from typing import Any

import httpx
import pytest
from defusedxml.ElementTree import fromstring
from support.chat_service import AGENT, ERROR, PATH, Chats

NAME = "Grüezi & <Söhne>"
IN_XML = (
    f"<ChatSessionEntity><CustomerName>{NAME.replace('&', '&amp;').replace('<', '&lt;')}"
    "</CustomerName><Rating>4</Rating></ChatSessionEntity>"
).encode()
IN_JSON = f'{{"customerName":"{NAME}","rating":4}}'.encode()
IN_FORM = b"CustomerName=Gr%C3%BCezi+%26+%3CS%C3%B6hne%3E&Rating=4"
REQUESTS = {
    "application/json": IN_JSON,
    "application/json; charset=utf-8": IN_JSON,
    "text/json": IN_JSON,
    "application/json-patch+json": IN_JSON,
    "application/merge-patch+json": IN_JSON,
    "application/xml": IN_XML,
    "text/xml": IN_XML,
    "application/x-www-form-urlencoded": IN_FORM,
}
ANSWERS = [
    "application/json",
    "text/json",
    "application/xml",
    "text/xml",
    "application/json-patch+json",
    "application/merge-patch+json",
]
BODIES = [
    ("POST", PATH),
    ("PUT", f"{PATH}/{{}}"),
    ("POST", f"{PATH}/{{}}/Messages"),
    ("POST", "/api/v1/Agents/Chat/SaveChatSessionEntity"),
    ("POST", "/api/v1/Agents/Chat/ResetChatSession"),
]


def fields(answer: httpx.Response) -> dict[str, Any]:
    """What an answer shows, all texts in XML."""
    if "xml" in answer.headers["Content-Type"]:
        return {each.tag: each.text for each in fromstring(answer.text)}
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
def path(chats: Chats) -> str:
    """A fresh session."""
    return f"{PATH}/{chats.new()}"


@pytest.mark.parametrize("content_type", REQUESTS)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_an_entity_comes_in_each_type(
    chats: Chats, path: str, method: str, content_type: str
) -> None:
    answer = chats["kim"].request(
        method,
        PATH if method == "POST" else path,
        content=REQUESTS[content_type],
        headers={"Content-Type": content_type},
    )
    assert answer.status_code == 200, answer.text
    assert (answer.json()["CustomerName"], answer.json()["Rating"]) == (NAME, 4)


STRANGE = {
    "application/json": '{"Customer":"Kim","Foo":1}',
    "application/json; charset=utf-8": '{"Customer":null}',
    "text/json": ' { "Customer" : {} } ',
    "application/xml": "<ROOT><Customer>Kim</Customer></ROOT>",
    "application/x-www-form-urlencoded": "Customer=Kim",
}


@pytest.mark.parametrize("content_type", STRANGE)
@pytest.mark.parametrize(
    ("method", "target", "root"),
    [
        ("POST", PATH, "ChatSessionEntity"),
        ("PUT", f"{PATH}/{{}}", "ChatSessionEntity"),
        ("POST", f"{PATH}/{{}}/Messages", "ChatMessage"),
        ("POST", f"{AGENT}/SaveChatSessionEntity", "ChatSessionEntity"),
        ("POST", f"{AGENT}/CreateChatSessionForTopic", "CreateChatSessionForTopicRequest"),
    ],
)
def test_a_body_of_unknown_members_alone_is_told_of_them(
    chats: Chats, path: str, method: str, target: str, root: str, content_type: str
) -> None:
    known = sessions_from(chats, path)
    before = chats["kim"].get(path).headers["etag"]
    answer = chats["kim"].request(
        method,
        target.format(path.rpartition("/")[2]),
        content=STRANGE[content_type].replace("ROOT", root).encode(),
        headers={"Content-Type": content_type},
    )
    assert answer.status_code == 400, answer.text
    assert "'Customer'" in answer.text
    assert chats["kim"].get(path).headers["etag"] == before
    assert sessions_from(chats, path) == known


def sessions_from(chats: Chats, path: str) -> set[str]:
    """The numbers from that of ``path`` on: workers draw blocks, an older session may be one."""
    query = {"$filter": f"chatSessionId ge {path.rpartition('/')[2]}", "$select": "chatSessionId"}
    return {each["PrimaryKey"] for each in chats["kim"].get(PATH, params=query).json()["value"]}


@pytest.mark.parametrize("accept", ANSWERS)
@pytest.mark.parametrize("parameters", ["", "; charset=utf-8", ";q=0.8, image/png"])
def test_an_answer_goes_out_in_each_type(
    chats: Chats, path: str, accept: str, parameters: str
) -> None:
    chats["kim"].put(path, json={"CustomerName": NAME, "Rating": 4})
    answer = chats["kim"].get(path, headers={"Accept": accept + parameters})
    assert answer.headers["Content-Type"] == f"{accept}; charset=utf-8"
    assert (fields(answer)["CustomerName"], str(fields(answer)["Rating"])) == (NAME, "4")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (", ".join(ANSWERS), "application/json"),
        ("application/xml;q=0.9, text/json", "text/json"),
        ("image/png, text/xml;q=0.1", "text/xml"),
        ("*/*", "application/json"),
        ("text/*", "text/json"),
    ],
)
def test_the_best_of_a_list_is_taken(
    chats: Chats, path: str, accept: str, content_type: str
) -> None:
    answer = chats["kim"].get(path, headers={"Accept": accept})
    assert answer.headers["Content-Type"] == f"{content_type}; charset=utf-8"


@pytest.mark.parametrize(("method", "target"), [*BODIES, ("PATCH", f"{PATH}/{{}}")])
def test_an_answer_that_nobody_takes_is_not_worked_for(
    chats: Chats, path: str, method: str, target: str
) -> None:
    number = path.rpartition("/")[2]
    answer = chats["kim"].request(
        method, target.format(number), json={"Rating": 3}, headers={"Accept": "image/png"}
    )
    assert (answer.status_code, list(answer.json())) == (406, ERROR)
    assert chats["kim"].get(path).headers["ETag"] == '"1"'


def test_deleting_answers_nothing_so_that_anything_is_accepted(chats: Chats, path: str) -> None:
    answer = chats["kim"].delete(path, headers={"Accept": "image/png"})
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize(("method", "target"), [*BODIES, ("PATCH", f"{PATH}/{{}}")])
@pytest.mark.parametrize("content_type", ["text/plain", "image/png", "multipart/form-data"])
def test_a_body_of_an_unknown_type_is_refused(
    chats: Chats, path: str, method: str, target: str, content_type: str
) -> None:
    answer = chats["kim"].request(
        method,
        target.format(path.rpartition("/")[2]),
        content=b"{}",
        headers={"Content-Type": content_type},
    )
    assert (answer.status_code, list(answer.json())) == (415, ERROR)


def test_an_error_is_told_in_the_type_that_is_accepted(chats: Chats) -> None:
    answer = chats["kim"].get(f"{PATH}/2000000000", headers={"Accept": "text/xml"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/xml; charset=utf-8")
    root = fromstring(answer.text)
    assert [root.tag, *(each.tag for each in root)] == ["Error", *ERROR]
    assert root.findtext("Error") == "true"


@pytest.mark.parametrize("asked", ["XML", "xml", "JSON"])
def test_a_list_has_the_format_that_its_query_asks_for(chats: Chats, asked: str) -> None:
    answer = chats["kim"].get(
        PATH, params={"$format": asked, "$top": 1}, headers={"Accept": "image/png"}
    )
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == f"application/{asked.lower()}; charset=utf-8"


@pytest.mark.parametrize(
    ("headers", "shown"),
    [
        ({}, "2026-07-01T10:00:00.1234567"),
        ({"SO-TimeZone": "NO"}, "2026-07-01T12:00:00.1234567"),
        ({"SO-Timezone": "NO,includeTZOffset"}, "2026-07-01T12:00:00.1234567+02:00"),
        ({"SO-TimeZone": "261, includetzoffset"}, "2026-07-01T12:00:00.1234567+02:00"),
        ({"SO-TimeZone": "UTC,includeTZOffset"}, "2026-07-01T10:00:00.1234567Z"),
        ({"SO-TimeZone": "Mars/Olympus,,;"}, "2026-07-01T10:00:00.1234567"),
        ({"SO-TimeZone": "x" * 5_000}, "2026-07-01T10:00:00.1234567"),
    ],
    ids=["none", "code", "with offset", "number", "UTC", "odd", "long"],
)
def test_a_time_zone_moves_the_dates(
    chats: Chats, path: str, headers: dict[str, str], shown: str
) -> None:
    chats["kim"].put(path, json={"WhenEnded": "2026-07-01T10:00:00.1234567"})
    answer = chats["kim"].get(path, headers=headers)
    assert (answer.status_code, answer.json()["WhenEnded"]) == (200, shown)


@pytest.mark.parametrize(
    "headers",
    [
        {"SO-Language": "de", "SO-Culture": "de", "Accept-Language": "fr,de,ru,zh"},
        {"SO-Language": "*", "SO-Culture": "??", "SO-AppToken": "x" * 2_000},
        {"Accept-Language": ";;;,q=", "SO-Language": "x" * 2_000, "SO-Culture": ""},
    ],
)
def test_odd_headers_fail_nothing(chats: Chats, path: str, headers: dict[str, str]) -> None:
    assert chats["kim"].get(path, headers=headers).status_code == 200
    assert chats["kim"].put(path, json={"Rating": 2}, headers=headers).status_code == 200


def test_a_language_picks_from_texts_in_several(chats: Chats, path: str) -> None:
    name = 'NO:"Kunde";US:"Customer"'
    chats["kim"].put(path, json={"Contact": {"ContactId": 5, "CategoryName": name}})

    def shown(**headers: str) -> object:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return chats["kim"].get(path, headers=named).json()["Contact"]["CategoryName"]

    assert shown(Accept_Language="nb") == "Kunde"
    assert shown(Accept_Language="nb", SO_Language="en") == "Customer"
    assert shown(Accept_Language="*") == name


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept-Language": "en"},
        {"SO-TimeZone": "NO"},
        {"SO-TimeZone": "NO,includeTZOffset", "SO-Language": "nb"},
    ],
    ids=["language", "zone", "both"],
)
def test_what_is_put_back_as_it_was_shown_is_no_change(
    chats: Chats, headers: dict[str, str]
) -> None:
    number = chats.new(
        WhenRequested="2018-11-21T16:32:47+01:00",
        WhenStarted="2018-11-21T15:33:00",
        Person={"PersonId": 1, "CategoryName": 'NO:"Kunde";US:"Customer"'},
    )
    path, kim = f"{PATH}/{number}", chats["kim"]
    stored = kim.get(path)
    shown = kim.get(path, headers=headers).json()
    assert shown != stored.json()
    keyed = {**headers, "Idempotency-Key": f"put back {number}"}
    for answer in (
        kim.put(path, json=shown, headers=headers),
        chats["admin"].put(path, json=shown, headers=headers),
        kim.post(f"{AGENT}/SaveChatSessionEntity", json=shown, headers=headers),
        kim.patch(path, json={"Person": shown["Person"]}, headers=headers),
    ):
        assert (answer.status_code, answer.headers["ETag"]) == (200, stored.headers["ETag"])
        assert answer.json()["Person"] == shown["Person"]
    for replayed in (None, "true"):
        edited = kim.put(path, json={**shown, "Rating": 5}, headers=keyed)
        assert edited.headers.get("Idempotent-Replayed") == replayed
        assert edited.headers["ETag"] != stored.headers["ETag"]
    assert kim.get(path).json() == {**stored.json(), "Rating": 5}
