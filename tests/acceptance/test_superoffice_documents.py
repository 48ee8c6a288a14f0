"""The documented messages of the chat session API, as bytes on a socket."""

from typing import Any

import httpx
import msgspec
import pytest
from support.documents import PUT_CHAT_SESSION as SAMPLE
from support.raw_http import Answer, basic, send
from support.service_process import ADMIN, ServiceProcess

PATH = "/api/v1/ChatSession"
NO_ENTITY = "Bad request. Entity to save is not in request body."
ADDED = ["TableRight", "FieldProperties", "_Links"]
ERROR = ["Error", "ErrorType", "ErrorMessage", "ErrorSource"]
SENT: dict[str, Any] = msgspec.json.decode(SAMPLE)
SENT_ID = SENT.pop("ChatSessionId")

REFERENCES: dict[str, dict[str, Any]] = {
    "User": {"AssociateId": 7, "Name": "kim", "Type": "InternalAssociate"},
    "Person": {"PersonId": 11, "Firstname": "Sophie", "Lastname": "Glover"},
    "Contact": {"ContactId": 123, "Name": "Bruen", "Address": {"Street": {"City": "Oslo"}}},
    "Project": {"ProjectId": 5, "Name": "Roll-out", "PublishFrom": "2024-02-29T00:00:00+01:00"},
    "Sale": {"SaleId": 99, "Amount": 12.5, "Status": "Open"},
    "Ticket": {"TicketId": 2147483647, "Title": "No dial tone", "BaseStatus": "Active"},
    "TransferTo": {"AssociateId": 8},
}


@pytest.fixture
def number(admin: httpx.Client) -> int:
    """The id of a session that has nothing yet."""
    return int(admin.post(PATH, json={}).json()["ChatSessionId"])


def documented(served: ServiceProcess, target: str, body: bytes) -> Answer:
    """Send the documented PUT with the headers that its page prints, but credentials of here."""
    lines = (
        f"PUT {target} HTTP/1.1".encode(),
        b"Host: localhost",
        b"Authorization: " + basic(*ADMIN),
        b"Accept: application/json; charset=utf-8",
        b"Accept-Language: fr,de,ru,zh",
        b"Content-Type: application/json; charset=utf-8",
        b"Content-Length: %d" % len(body),
    )
    return send(served.port, b"\r\n".join(lines) + b"\r\n\r\n" + body)


def sample(number: int) -> bytes:
    """The documented body for another session than the documented one."""
    return SAMPLE.replace(b"%d" % SENT_ID, b"%d" % number)


def own(entity: dict[str, Any]) -> dict[str, Any]:
    """The fields of a session without what the API adds to them."""
    return {name: value for name, value in entity.items() if name not in ADDED}


def test_the_documented_put_comes_back_field_by_field(served: ServiceProcess, number: int) -> None:
    answer = documented(served, f"{PATH}/{number}", sample(number))
    assert answer.status == 200
    assert answer.header("Content-Type") == "application/json; charset=utf-8"
    found = answer.json()
    assert list(found) == ["ChatSessionId", *SENT, *ADDED]
    assert own(found) == SENT | {"ChatSessionId": number}
    for name in ("WhenRequested", "WhenStarted", "WhenEnded", "WhenIdle", "WhenFetched"):
        assert found[name] == SENT[name], "all seven digits and the offset are kept"


def test_a_body_that_names_another_session_than_the_path_is_refused(
    served: ServiceProcess, admin: httpx.Client, number: int
) -> None:
    assert number != SENT_ID
    answer = documented(served, f"{PATH}/{number}", SAMPLE)
    assert answer.status == 400
    assert "ChatSessionId" in answer.json()["ErrorMessage"]
    assert admin.get(f"{PATH}/{number}").headers["ETag"] == '"1"', "nothing changed"


@pytest.mark.parametrize("named", [{}, {"ChatSessionId": 0}, {"chatsessionid": None}])
def test_a_body_that_names_no_session_is_for_that_of_the_path(
    admin: httpx.Client, number: int, named: dict[str, Any]
) -> None:
    answer = admin.put(f"{PATH}/{number}", json=SENT | named)
    assert (answer.status_code, answer.json()["ChatSessionId"]) == (200, number)


def test_what_the_api_adds_has_its_documented_form(served: ServiceProcess, number: int) -> None:
    found = documented(served, f"{PATH}/{number}", sample(number)).json()
    assert list(found["TableRight"]) == ["Mask", "Reason"]
    assert list(found["FieldProperties"]) == ["ChatSessionId", *SENT]
    for about in found["FieldProperties"].values():
        assert list(about) == ["FieldRight", "FieldType", "FieldLength"]
        assert list(about["FieldRight"]) == ["Mask", "Reason"]
        assert isinstance(about["FieldType"], str)
        assert isinstance(about["FieldLength"], int)
    assert found["_Links"] == {
        "Self": f"http://localhost{PATH}/{number}/",
        "Archive": f"http://localhost{PATH}/",
    }


def test_get_shows_what_put_answered(
    served: ServiceProcess, admin: httpx.Client, number: int
) -> None:
    put = documented(served, f"{PATH}/{number}", sample(number))
    read = admin.get(f"{PATH}/{number}", headers={"Host": "localhost"})
    assert (read.status_code, read.content) == (200, put.body)
    assert read.headers["ETag"] == put.header("ETag") == '"4"'  # made, updated, rated, closed


def test_the_same_put_again_changes_nothing(served: ServiceProcess, number: int) -> None:
    first = documented(served, f"{PATH}/{number}", sample(number))
    again = documented(served, f"{PATH}/{number}", sample(number))
    assert (again.status, again.body) == (200, first.body)
    assert again.header("ETag") == first.header("ETag")


def test_put_replaces_all(admin: httpx.Client, number: int) -> None:
    fresh = own(admin.get(f"{PATH}/{number}").json())
    admin.put(f"{PATH}/{number}", json=SENT)
    replaced = admin.put(f"{PATH}/{number}", json={"CustomerName": "Only this"}).json()
    assert own(replaced) == fresh | {"CustomerName": "Only this"}


@pytest.mark.parametrize(
    ("select", "kept"),
    [
        ("CustomerName,Status", {"CustomerName", "Status"}),
        ("customername,STATUS", {"CustomerName", "Status"}),
        ("name,department,category/id", set()),
        (" Rating , contact/contactid ", {"Rating", "Contact"}),
        ("WhenEnded,_links,TableRight", {"WhenEnded", "_Links", "TableRight"}),
    ],
    ids=["names", "in any case", "the documented example", "nested, with blanks", "what is added"],
)
def test_what_is_not_selected_is_null(
    admin: httpx.Client, number: int, select: str, kept: set[str]
) -> None:
    contact = {"ContactId": 5, "Name": "Bruen"}
    whole = admin.put(f"{PATH}/{number}", json=SENT | {"Contact": contact}).json()
    expected = {name: value if name in kept else None for name, value in whole.items()}
    if "Contact" in kept:
        expected["Contact"] = {"ContactId": 5, "Name": None}
    for answer in (
        admin.put(f"{PATH}/{number}", params={"$select": select}, json=SENT | {"Contact": contact}),
        admin.get(f"{PATH}/{number}", params={"$select": select}),
        admin.get(f"{PATH}/{number}", params={"$SELECT": select}),
    ):
        assert answer.status_code == 200
        assert list(answer.json()) == list(whole)
        assert answer.json() == expected


@pytest.mark.parametrize("body", [b"", b" \r\n", b"null"], ids=["empty", "blank", "null"])
def test_put_without_an_entity_is_refused_with_the_documented_sentence(
    served: ServiceProcess, number: int, body: bytes
) -> None:
    answer = documented(served, f"{PATH}/{number}", body)
    assert answer.status == 400
    assert answer.header("Content-Type") == "application/json; charset=utf-8"
    refused = answer.json()
    assert list(refused) == ERROR
    assert (refused["Error"], refused["ErrorMessage"]) == (True, NO_ENTITY)


def test_the_official_client_s_camel_case_and_numbers_are_understood(
    admin: httpx.Client, number: int
) -> None:
    sent = {name[0].lower() + name[1:]: value for name, value in SENT.items()}
    sent |= {"status": 9, "flags": 1, "tableRight": {"mask": 37}, "fieldProperties": {"x": 1}}
    answer = admin.put(f"{PATH}/{number}", json=sent)
    assert answer.status_code == 200
    assert own(answer.json()) == SENT | {"ChatSessionId": number, "Flags": "UserIsTyping"}


def test_what_was_read_can_be_sent_back(admin: httpx.Client, number: int) -> None:
    whole = admin.put(f"{PATH}/{number}", json=SENT | REFERENCES).json()
    back = admin.put(f"{PATH}/{number}", json=whole)
    assert (back.status_code, back.json()) == (200, whole)


def test_references_are_kept_as_given(admin: httpx.Client, number: int) -> None:
    admin.put(f"{PATH}/{number}", json=SENT | REFERENCES)
    found = admin.get(f"{PATH}/{number}").json()
    assert {name: found[name] for name in REFERENCES} == REFERENCES


def test_post_makes_a_session_under_a_fresh_number(admin: httpx.Client, number: int) -> None:
    answer = admin.post(PATH, json=SENT | {"ChatSessionId": SENT_ID})
    assert answer.status_code == 200
    made = answer.json()["ChatSessionId"]
    assert made not in (number, SENT_ID)
    assert own(answer.json()) == SENT | {"ChatSessionId": made}


def test_the_name_in_the_path_counts_in_any_case(admin: httpx.Client, number: int) -> None:
    assert admin.get(f"/api/v1/chatsession/{number}").json()["ChatSessionId"] == number


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_unknown_id_is_not_found(admin: httpx.Client, method: str) -> None:
    answer = admin.request(method, f"{PATH}/2000000000", json=SENT)
    assert answer.status_code == 404
    assert list(answer.json()) == ERROR
    assert answer.json()["ErrorType"] == "SoNotFoundException"
    assert "2000000000" in answer.json()["ErrorMessage"]


def test_a_deleted_session_is_gone(admin: httpx.Client, number: int) -> None:
    deleted = admin.delete(f"{PATH}/{number}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert admin.get(f"{PATH}/{number}").status_code == 404
    assert admin.put(f"{PATH}/{number}", json=SENT).status_code == 404
