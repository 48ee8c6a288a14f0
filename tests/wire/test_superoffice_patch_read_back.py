"""What a client has read may be patched back, or tested for, as it was shown."""

import msgspec
import pytest
from msgspec.structs import replace
from support.patches import RICH, Members, one, patched_by

from app.codecs.json_text import BadInput
from app.faces.superoffice.wire.entity import to_tree
from app.faces.superoffice.wire.locale import AS_STORED, locale_of
from app.faces.superoffice.wire.patch import TestFailed
from domain.chat.carriers import Person, Project
from domain.chat.fields import ChatSessionFields
from domain.date_time import DateTime

MANY = 'NO:"Kunde";US:"Customer"'
STORED = replace(
    RICH,
    when_requested=DateTime("2018-11-21T16:32:47+01:00"),
    project=Project(updated=DateTime("2018-07-01T00:00:00+01:00"), name="Ark"),
    person=Person(person_id=1, category_name=MANY),
)


def given_back(patch: object, zone: bytes = b"", language: bytes = b"") -> ChatSessionFields:
    """What a patch makes of a session whose texts and dates a client has seen by a locale."""
    locale = locale_of({b"so-timezone": zone, b"accept-language": language})
    return patched_by(STORED, msgspec.json.encode(patch), locale=locale or AS_STORED)


@pytest.mark.parametrize("op", ["test", "replace"])
@pytest.mark.parametrize(
    ("zone", "language", "path", "value"),
    [
        (b"", b"en", "/person/categoryname", "Customer"),
        (b"", b"en", "/person", {"personId": 1, "categoryName": "Customer"}),
        (b"", b"en", "/person/categoryname", MANY),
        (b"UTC", b"", "/project", {"Updated": "2018-06-30T23:00:00", "Name": "Ark"}),
        (b"UTC", b"", "/project/updated", "2018-06-30T23:00:00"),
        (b"NO,includeTZOffset", b"", "/Project/Updated", "2018-07-01T01:00:00+02:00"),
        (b"NO", b"", "/whenRequested", "2018-11-21T16:32:47"),
        (b"NO", b"", "/whenRequested", "2018-11-21T15:32:47.000Z"),
    ],
)
def test_a_value_as_it_was_shown_is_the_one_held(
    op: str, zone: bytes, language: bytes, path: str, value: object
) -> None:
    assert given_back(one(op, path, value), zone, language) == STORED


@pytest.mark.parametrize(
    ("zone", "language", "path", "value"),
    [
        (b"", b"en", "/person/categoryname", "Kunde"),
        (b"", b"", "/person/categoryname", "Customer"),
        (b"", b"en", "/person", {"personId": 2, "categoryName": "Customer"}),
        (b"NO", b"", "/project/updated", "2018-06-30T23:00:00"),
    ],
)
def test_a_test_for_what_was_not_shown_fails(
    zone: bytes, language: bytes, path: str, value: object
) -> None:
    with pytest.raises(TestFailed):
        given_back(one("test", path, value), zone, language)


def test_a_merge_of_what_was_shown_changes_nothing() -> None:
    shown = {
        "Person": {"CategoryName": "Customer"},
        "Project": {"Updated": "2018-07-01T01:00:00+02:00"},
        "WhenRequested": "2018-11-21T16:32:47+01:00",
    }
    assert given_back(shown, b"NO,includeTZOffset", b"en") == STORED


OWNED: Members = {
    "TableRight": {"Mask": "FULL", "Reason": ""},
    "FieldProperties": {
        "Rank": {
            "FieldRight": {"Mask": "Update", "Reason": ""},
            "FieldType": "System.Int32",
            "FieldLength": 4,
        },
        "SessionKey": {"FieldRight": {"Mask": "None", "Reason": ""}},
    },
    "_Links": {"Self": "http://localhost/api/v1/ChatSession/446/"},
}
BY_NUMBER: Members = {
    "chatSessionId": "446",
    "tableRight": {"mask": 15, "reason": ""},
    "fieldProperties": {
        "Rank": {"fieldRight": {"mask": 3}, "fieldType": "System.Int32", "fieldLength": 4}
    },
    "_links": None,
}
WHOLE: Members = to_tree(RICH)
EARLIER_LINKS = {
    "Self": "https://h.example:8443/api/v1/ChatSession/446/",
    "Contact": "https://h.example:8443/api/v1/Contact/4/",
    "project": "https://h.example:8443/api/v1/Project/1/",
}
"""Read when the session had other carriers, and by another name of the host."""


def after_reading(patch: object) -> ChatSessionFields:
    """What a patch makes of a session of which its client was shown OWNED, too."""
    return patched_by(RICH, msgspec.json.encode(patch), shown=lambda: OWNED)


@pytest.mark.parametrize(
    "patch",
    [
        OWNED,
        BY_NUMBER,
        {"ChatSessionId": 446},
        {"chatsessionid": 0, "TABLERIGHT": None, "fieldProperties": {}},
        WHOLE | OWNED,
        one("replace", "/ChatSessionId", 446),
        one("add", "TableRight", OWNED["TableRight"]),
        one("test", "/TableRight/Mask", "FULL"),
        one("replace", "/fieldproperties/rank/fieldright/mask", "update"),
        one("test", "", WHOLE),
        one("test", "", WHOLE | OWNED),
        one("test", "", {**WHOLE, "tableRight": {"mask": 15}, "_links": None}),
        one("replace", "", WHOLE | OWNED),
        one("replace", "", WHOLE | {"_Links": EARLIER_LINKS}),
        {"_links": EARLIER_LINKS},
        one("add", "", WHOLE),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_what_was_read_may_be_sent_back(patch: object) -> None:
    assert after_reading(patch) == RICH


@pytest.mark.parametrize(
    "patch",
    [
        {"TableRight": {"Mask": "Select"}},
        {"tableRight": {"mask": 7}},
        {"FieldProperties": {"Nobody": {}}},
        {"FieldProperties": {"Rank": {"FieldLength": True}}},
        {"_Links": {"Self": "http://localhost/api/v1/ChatSession/447/"}},
        {"_Links": {"Self": "https://h.example/api/v1/ChatSession/44/"}},
        {"_Links": {"Self": "/api/v1/ChatSession/446/x"}},
        {"_Links": EARLIER_LINKS | {"More": "http://localhost/"}},
        {"_Links": []},
        one("replace", "/TableRight/Mask", "Select"),
        one("add", "/_Links/More", "x"),
        one("replace", "", WHOLE | {"TableRight": {"Mask": "Select"}}),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_what_was_not_read_cannot_be_sent_back(patch: object) -> None:
    with pytest.raises(BadInput, match="cannot be changed"):
        after_reading(patch)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("", {"Rank": 1}),
        ("", {}),
        ("", WHOLE | {"ChatSessionId": 447}),
        ("", WHOLE | {"TableRight": {"Mask": "Select"}}),
        ("/TableRight", {"Mask": "Select"}),
        ("/_Links/None", "x"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_test_of_the_whole_fails_for_any_part(path: str, value: object) -> None:
    with pytest.raises(TestFailed):
        after_reading([*one("replace", "/Rank", 1), *one("test", path, value)])


def test_a_whole_entity_in_a_patch_replaces_what_was_there() -> None:
    given = {"customerName": "Kim", "Rank": "3", "nobody": 1}
    kim = ChatSessionFields(chat_session_id=RICH.chat_session_id, customer_name="Kim", rank=3)
    for op in ("add", "replace"):
        assert after_reading(one(op, "", given)) == kim
    later = [*one("replace", "", given), *one("test", "", given), *one("add", "/Rank", 4)]
    assert after_reading(later) == replace(kim, rank=4)
