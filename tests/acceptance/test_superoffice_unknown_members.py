"""Bodies of which nothing would be read are refused; rights of a carrier are passed over."""

from typing import Any

import pytest
from support.chat_service import AGENT, PATH, Chats

OF_CARRIERS: dict[str, tuple[str, str]] = {
    "JSON": ("application/json", '{"Contact":{"Nobody":5}}'),
    "JSON beside others": ("application/json", '{"CustomerName":"Kim","contact":{"Nobody":null}}'),
    "JSON deeper": ("application/json", '{"Contact":{"Address":{"Nobody":1},"ContactId":1}}'),
    "JSON in lists": (
        "application/json",
        '{"Contact":{"Address":{"LocalizedAddress":[[{"Name":"a"},{"Nobody":1}]]}}}',
    ),
    "XML": (
        "application/xml",
        "<ChatSessionEntity><Contact><Nobody>5</Nobody></Contact></ChatSessionEntity>",
    ),
    "attributes": (
        "application/xml",
        '<ChatSessionEntity><Contact Nobody="5"/></ChatSessionEntity>',
    ),
    "attributes of all": ("application/xml", '<ChatSessionEntity Nobody="5"/>'),
    "a form": ("application/x-www-form-urlencoded", "Contact.Nobody=5&CustomerName=Kim"),
}


@pytest.mark.parametrize(("kind", "body"), OF_CARRIERS.values(), ids=OF_CARRIERS)
def test_a_carrier_of_unknown_members_alone_is_refused(chats: Chats, kind: str, body: str) -> None:
    admin, path = chats["admin"], f"{PATH}/{chats.new(Contact={'ContactId': 7})}"
    headers = {"Content-Type": kind, "Accept": "application/json"}
    calls = [("POST", PATH), ("PUT", path), ("POST", f"{AGENT}/SaveChatSessionEntity")]
    if kind == "application/json":
        calls.append(("PATCH", path))
        whole = f'[{{"op":"add","path":"","value":{body}}}]'
        assert admin.patch(path, content=whole, headers=headers).status_code == 400
    for method, url in calls:
        answer = admin.request(method, url, content=body, headers=headers)
        assert (answer.status_code, "Nobody" in answer.text) == (400, True), answer.text
    assert admin.get(path).headers["ETag"] == '"1"'


@pytest.mark.parametrize("body", ["&", "&&"])
def test_a_form_without_a_field_is_no_entity(chats: Chats, body: str) -> None:
    admin, path = chats["admin"], f"{PATH}/{chats.new(CustomerName='Kim')}"
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    for method, url in (("PUT", path), ("POST", PATH), ("POST", f"{AGENT}/SaveChatSessionEntity")):
        answer = admin.request(method, url, content=body, headers=headers)
        assert answer.status_code == 400, answer.text
    assert admin.get(path).json()["CustomerName"] == "Kim"


def test_a_message_of_unknown_members_alone_is_refused(chats: Chats) -> None:
    admin, session = chats["admin"], chats.new()
    for message in ({"Text": "hello"}, {"Text": None}):
        request = {"ChatSessionId": session, "Message": message}
        answer = admin.post(f"{AGENT}/AddChatMessage", json=request)
        assert answer.status_code == 400, answer.text
        assert "'Text'" in answer.json()["MessageDetail"]
        assert admin.post(f"{PATH}/{session}/Messages", json=message).status_code == 400
    assert admin.get(f"{PATH}/{session}/Messages").json() == []


@pytest.mark.parametrize(
    "carrier",
    [
        {"TableRight": None, "FieldProperties": None},
        {"tableRight": {"mask": 15, "reason": ""}, "fieldProperties": {}},
        {"ContactId": 7, "Name": "Acme", "TableRight": None, "FieldProperties": {}},
        {},
    ],
)
def test_rights_of_a_carrier_say_nothing(chats: Chats, carrier: dict[str, Any]) -> None:
    admin, path = chats["admin"], f"{PATH}/{chats.new(Contact={'ContactId': 7, 'Name': 'Acme'})}"
    answer = admin.patch(path, json={"Contact": carrier})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"'), answer.text
    for method, url in (("PUT", path), ("POST", PATH)):
        answer = admin.request(method, url, json={"Contact": carrier})
        assert answer.status_code == 200, answer.text
        shown = {"ContactId", "Name"} & carrier.keys()
        assert answer.json()["Contact"] == {name: carrier[name] for name in shown}
