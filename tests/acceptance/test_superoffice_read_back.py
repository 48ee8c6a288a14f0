"""What real clients have read is put and patched back, in any language."""

import pytest
from support.chat_service import PATH, Chats

NAMES = 'US:"Vendor";GE:"Lieferant";SW:"Leverantör"'


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("de", "Lieferant"),
        ("de-CH", "Lieferant"),
        ("sv-SE", "Leverantör"),
        ("de, en;q=0.8", "Lieferant"),
        ("en;q=0.8, de;q=0.9", "Lieferant"),
        ("en-GB", "Vendor"),
        ("GE", "Lieferant"),
        ("fr", NAMES),
        ("*", NAMES),
    ],
)
def test_a_text_is_shown_in_the_language_asked_for_and_kept_when_it_comes_back(
    chats: Chats, language: str, expected: str
) -> None:
    admin, path = chats["admin"], f"{PATH}/{chats.new(Contact={'CategoryName': NAMES})}"
    headers = {"Accept-Language": language}
    found = admin.get(path, headers=headers)
    assert found.json()["Contact"]["CategoryName"] == expected
    assert admin.put(path, json=found.json(), headers=headers).headers["ETag"] == '"1"'
    assert admin.patch(path, json=found.json(), headers=headers).headers["ETag"] == '"1"'
    assert admin.get(path).json()["Contact"]["CategoryName"] == NAMES


def test_what_was_read_is_patched_without_a_change(chats: Chats) -> None:
    path = f"{PATH}/{chats.picked_up()}"
    for caller in (chats["kim"], chats["pat"], chats["max"], chats["admin"]):
        read = caller.get(path)
        whole = [{"op": op, "path": "", "value": read.json()} for op in ("test", "replace", "add")]
        for patch in (read.json(), whole):
            answer = caller.patch(path, json=patch)
            assert (answer.status_code, answer.headers["ETag"]) == (200, read.headers["ETag"])
            assert answer.content == read.content
    changed = chats["kim"].patch(path, json=chats["kim"].get(path).json() | {"Rating": 5})
    assert (changed.status_code, changed.json()["Rating"]) == (200, 5)
    for other in ({"ChatSessionId": 446}, {"TableRight": {"Mask": "None"}}, {"_Links": {"Me": ""}}):
        refused = chats["kim"].patch(path, json=changed.json() | other)
        assert refused.status_code == 400, refused.text
        assert next(iter(other)) in refused.json()["ErrorMessage"]


def test_what_was_read_by_another_name_or_a_while_ago_is_patched(chats: Chats) -> None:
    admin, path = chats["admin"], f"{PATH}/{chats.new(Contact={'ContactId': 7})}"
    read = admin.get(path, headers={"Host": "chat.example:8443"}).json()
    assert read["_Links"]["Contact"].startswith("http://chat.example:8443/")
    assert admin.patch(path, json=read).headers["ETag"] == '"1"'
    admin.patch(path, json=[{"op": "replace", "path": "/Contact", "value": None}])
    for patch in (read, [{"op": "replace", "path": "", "value": read}]):
        answer = admin.patch(path, json=patch)
        assert answer.status_code == 200, answer.text
    assert answer.json()["Contact"]["ContactId"] == 7


def test_a_whole_entity_in_a_patch_is_a_put(chats: Chats) -> None:
    admin, path = chats["admin"], f"{PATH}/{chats.new(CustomerName='Kim', Rating=2)}"
    patch = [{"op": "replace", "path": "", "value": {"CustomerName": "Sam"}}]
    answer = admin.patch(path, json=patch)
    assert (answer.json()["CustomerName"], answer.json()["Rating"]) == ("Sam", 0)
    stale = [{"op": "test", "path": "", "value": {"CustomerName": "Kim"}}, *patch]
    assert admin.patch(path, json=stale).status_code == 409
    for op in ("remove", "move", "copy"):
        assert admin.patch(path, json=[{"op": op, "path": "", "from": ""}]).status_code == 400
