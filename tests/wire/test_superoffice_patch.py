from collections.abc import Callable
from copy import deepcopy
from typing import Any, TypeAlias

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.documents import PUT_CHAT_SESSION as DOCUMENTED

from app.codecs.formats import UnknownType
from app.codecs.json_text import BadInput
from app.codecs.limits import MAX_OPERATIONS
from app.faces.superoffice.wire.entity import read_entity, to_tree
from app.faces.superoffice.wire.locale import AS_STORED, locale_of
from app.faces.superoffice.wire.patch import MAX_PATCHED_BYTES, TestFailed, patched
from domain.chat.carriers import (
    Address,
    Associate,
    Contact,
    LocalizedField,
    Person,
    Project,
    Sale,
)
from domain.chat.enums import ChatSessionFlags, ChatSessionStatus
from domain.chat.session import ChatSessionFields
from domain.date_time import DateTime

Members: TypeAlias = dict[str, Any]

STATE = read_entity(DOCUMENTED)
LINES = ((LocalizedField(name="a"), LocalizedField(name="b")), (LocalizedField(name="c"),))
COMPANY = Contact(contact_id=5, name="Acme", address=Address(localized_address=LINES))
RICH = replace(
    STATE,
    contact=COMPANY,
    user=Associate(associate_id=7, custom_fields={"x:Y": "1", "a/b": "2"}),
    sale=Sale(amount=1.5, sale_date=DateTime("2018-07-01T12:00:00")),
)


def one(op: str, path: str, *value: object) -> list[Members]:
    """A patch of one operation."""
    return [{"op": op, "path": path} | ({"value": value[0]} if value else {})]


def after(patch: object, state: ChatSessionFields = STATE) -> ChatSessionFields:
    return patched(state, msgspec.json.encode(patch))


@pytest.mark.parametrize(
    ("path", "value", "changes"),
    [
        ("/Rank", 3, {"rank": 3}),
        ("rank", 3, {"rank": 3}),
        ("/STATUS", "inqueue", {"status": ChatSessionStatus.IN_QUEUE}),
        ("Status", 4, {"status": ChatSessionStatus.IN_QUEUE}),
        ("/flags", 1, {"flags": ChatSessionFlags.USER_IS_TYPING}),
        ("/CustomerName", None, {"customer_name": None}),
        ("/Rating", None, {"rating": 0}),
        ("/whenIdle", "2026-11-21", {"when_idle": "2026-11-21"}),
        ("/whenIdle", None, {"when_idle": "0001-01-01T00:00:00"}),
        ("/Contact", {"contactId": 5, "Unknown": 1}, {"contact": Contact(contact_id=5)}),
        ("/chatbotisactive", True, {"chatbot_is_active": True}),
        ("/chatbotisactive", "TRUE", {"chatbot_is_active": True}),
        ("/chatbotisactive", 1, {"chatbot_is_active": True}),
        ("/topicid", "3", {"topic_id": 3}),
        ("/topicid", 3.0, {"topic_id": 3}),
        ("/Status", "4", {"status": ChatSessionStatus.IN_QUEUE}),
        ("/CustomerPhone", 4712345678, {"customer_phone": "4712345678"}),
        ("/whenIdle", "2018-12-24T12:34:45+0100", {"when_idle": "2018-12-24T12:34:45+01:00"}),
        ("/whenIdle", "0000-12-31T23:06:32.000Z", {"when_idle": "0001-01-01T00:00:00"}),
        ("/Contact", {"ContactId": "5", "Name": 7}, {"contact": Contact(contact_id=5, name="7")}),
    ],
    ids=lambda value: repr(value) if not isinstance(value, dict) else "",
)
@pytest.mark.parametrize("op", ["add", "replace", "REPLACE"])
def test_add_and_replace_set_a_member_under_any_spelling_of_its_path(
    op: str, path: str, value: object, changes: Members
) -> None:
    assert after(one(op, path, value)) == replace(STATE, **changes)


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("/CustomerName", {"customer_name": None}),
        ("rank", {"rank": 0}),
        ("/Status", {"status": ChatSessionStatus.INVALID}),
        ("/Flags", {}),
        ("/Contact", {}),
        ("/WhenIdle", {"when_idle": "0001-01-01T00:00:00"}),
    ],
)
def test_remove_gives_a_member_its_default(path: str, changes: Members) -> None:
    assert after(one("remove", path)) == replace(STATE, **changes)


def lines_after(patch: object) -> object:
    contact = after(patch, RICH).contact
    assert contact is not None
    assert isinstance(contact.address, Address)
    return contact.address.localized_address


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        (one("replace", "contact/address/LOCALIZEDADDRESS/0/1/name", "z"), "az|c"),
        (one("add", "/Contact/Address/LocalizedAddress/0/0", {"Name": "z"}), "zab|c"),
        (one("add", "/Contact/Address/LocalizedAddress/0/-", {"name": "z"}), "abz|c"),
        (one("add", "/Contact/Address/LocalizedAddress/2", [{"Name": "z"}]), "ab|c|z"),
        (one("remove", "/Contact/Address/LocalizedAddress/0/0"), "b|c"),
        (one("replace", "/Contact/Address/LocalizedAddress", []), ""),
        ({"contact": {"address": {"localizedAddress": [[{"name": "z"}]]}}}, "z"),
    ],
)
def test_lists_are_changed_by_index_and_at_their_end(patch: object, expected: str) -> None:
    lines = tuple(
        tuple(LocalizedField(name=name) for name in line) for line in expected.split("|") if line
    )
    assert lines_after(patch) == lines


@pytest.mark.parametrize(
    ("patch", "custom_fields"),
    [
        (one("add", "/User/CustomFields/new", "3"), {"x:Y": "1", "a/b": "2", "new": "3"}),
        (one("replace", "/user/customfields/x:Y", "3"), {"x:Y": "3", "a/b": "2"}),
        (one("remove", "/User/CustomFields/a~1b"), {"x:Y": "1"}),
        ({"user": {"customFields": {"x:Y": None, "a/b": "4"}}}, {"a/b": "4"}),
    ],
)
def test_maps_are_changed_by_key(patch: object, custom_fields: dict[str, str | None]) -> None:
    assert after(patch, RICH).user == Associate(associate_id=7, custom_fields=custom_fields)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/Status", "closed"),
        ("Status", 9),
        ("/ChatSessionId", 446),
        ("/CustomerName", "Nolan-Lubowitz"),
        ("/CustomerConsented", False),
        ("/CustomerConsented", "False"),
        ("/CustomerConsented", 0),
        ("/Rank", "992"),
        ("/Rank", 992.0),
        ("/Contact/ContactId", "5"),
        ("/Sale/Amount", "1.50"),
        ("/User/CustomFields/x:Y", 1),
        ("/Contact/Name", "Acme"),
        ("/Contact/Department", None),
        ("/Contact/Address/LocalizedAddress/1", [{"NAME": "c"}]),
        ("/User/CustomFields", {"a/b": "2", "x:Y": "1"}),
        ("/Sale/Amount", 1.5),
        ("/Sale/SaleDate", "2018-07-01T12:00:00Z"),
        ("/WhenEnded", "2016-05-08T14:32:47.1492785"),
        ("/Project", None),
    ],
)
def test_a_test_that_holds_changes_nothing(path: str, value: object) -> None:
    assert after(one("test", path, value), RICH) == RICH


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/Status", "InQueue"),
        ("/CustomerConsented", 1),
        ("/CustomerConsented", "true"),
        ("/Rank", True),
        ("/Rank", "993"),
        ("/Contact", None),
        ("/Contact/Address/LocalizedAddress", []),
        ("/ChatSessionId", 1),
        ("/Sale/SaleDate", "2018-07-01T12:00:00+01:00"),
        ("/Sale/SaleDate", "July"),
        ("/Sale/SaleDate", None),
    ],
)
def test_a_test_that_fails_undoes_the_whole_patch(path: str, value: object) -> None:
    with pytest.raises(TestFailed) as failure:
        after([*one("replace", "/Rank", 992), *one("test", path, value)], RICH)
    assert failure.value.path == path


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
    return patched(STORED, msgspec.json.encode(patch), locale=locale or AS_STORED)


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


def test_a_patch_that_changes_nothing_gives_what_there_was() -> None:
    assert after([], RICH) == RICH
    assert after({}, RICH) == RICH
    assert after(one("replace", "/Rank", 992), RICH) == RICH


@pytest.mark.parametrize(
    ("patch", "changes"),
    [
        ({"rank": 3, "CUSTOMERNAME": None}, {"rank": 3, "customer_name": None}),
        ({"Rating": None}, {"rating": 0}),
        ({"rank": "3", "CustomerPhone": 1}, {"rank": 3, "customer_phone": "1"}),
        ({"contact": {"contactId": "6"}}, {"contact": replace(COMPANY, contact_id=6)}),
        ({"contact": {"name": "New"}}, {"contact": replace(COMPANY, name="New")}),
        ({"contact": None}, {"contact": None}),
        ({"Sale": {"saleDate": None}}, {"sale": Sale(amount=1.5)}),
    ],
)
def test_a_merge_changes_what_it_names(patch: Members, changes: Members) -> None:
    assert after(patch, RICH) == replace(RICH, **changes)


@pytest.mark.parametrize("patch", [{"Contact": {"ContactId": 5}}, {"Project": {"Name": "x"}}])
def test_a_merge_into_a_carrier_that_is_null_is_not_applied(patch: Members) -> None:
    assert after(patch) == STATE


@pytest.mark.parametrize(
    "spell", [str, str.upper, str.lower, lambda name: f"/{name}"], ids=["", "AA", "aa", "/"]
)
@pytest.mark.parametrize(
    "path", ["ChatSessionId", "TableRight", "FieldProperties", "_Links", "_Links/Self"]
)
def test_what_the_service_owns_cannot_be_patched(path: str, spell: Callable[[str], str]) -> None:
    with pytest.raises(BadInput) as refusal:
        after(one("replace", spell(path), 447))
    assert path.partition("/")[0].lower() == (refusal.value.field or "").lower()
    with pytest.raises(BadInput):
        after({path.partition("/")[0]: 447})


@pytest.mark.parametrize(
    ("patch", "field", "message"),
    [
        (one("replace", "/Nobody", 1), "Nobody", "no such property"),
        (one("replace", "", 1), "value", "is an object"),
        (one("add", "", None), "value", "is an object"),
        (one("test", "", [STATE.rank]), "value", "is an object"),
        (one("add", ""), "value", "is an object"),
        (one("remove", ""), "path", "DELETE does"),
        (one("move", ""), "op", "none of add"),
        (one("copy", ""), "op", "none of add"),
        (one("replace", "", {"ChatSessionId": 447}), "ChatSessionId", "cannot be changed"),
        (one("replace", "", {"_links": {"Self": "x"}}), "_links", "cannot be changed"),
        (one("replace", "", {"Rank": 1, "rank": 2}), "Rank", "given twice"),
        (one("replace", "", {"Status": "Pending"}), "Status", "Expected one of"),
        (one("remove", "/ChatSessionId"), "ChatSessionId", "cannot be changed"),
        (one("remove", "/TableRight"), "TableRight", "cannot be changed"),
        (one("replace", "/TableRight", None), "TableRight", "cannot be changed"),
        (one("replace", "/", 1), "", "no property without a name"),
        (one("replace", "/Contact/Nobody", 1), "Contact.Nobody", "no such property"),
        (one("replace", "/Contact/TableRight", 1), "Contact.TableRight", "no such property"),
        (one("replace", "/Rank/x", 1), "Rank.x", "no such property"),
        (one("replace", "/Rank/", 1), "Rank", "no property without a name"),
        (one("replace", "/Contact//Name", "x"), "Contact", "no property without a name"),
        (one("replace", "/Project/Name", "x"), "Project", "nothing in it"),
        (one("replace", "/Contact/" + "a/" * 10_000, 1), "Contact.a", "no such property"),
        (one("replace", "/User/CustomFields/none", "x"), "User.CustomFields.none", "nothing at"),
        (one("remove", "/User/CustomFields/X:Y"), "User.CustomFields.X:Y", "nothing at"),
        (one("remove", "/User/CustomFields/none"), "User.CustomFields.none", "nothing at"),
        (
            one("remove", "/Contact/Address/LocalizedAddress/2"),
            "Contact.Address.LocalizedAddress.2",
            "nothing at",
        ),
        (
            one("add", "/Contact/Address/LocalizedAddress/01", []),
            "Contact.Address.LocalizedAddress.01",
            "no such",
        ),
        (
            one("add", "/Contact/Address/LocalizedAddress/4", []),
            "Contact.Address.LocalizedAddress.4",
            "no such",
        ),
        (
            one("replace", "/Contact/Address/LocalizedAddress/-", []),
            "Contact.Address.LocalizedAddress.-",
            "no such",
        ),
        (one("move", "/Rank"), "op", "'move' at '/Rank'"),
        (one("copy", "/Rank"), "op", "none of add"),
        ([{"path": "/Rank", "value": 1}], "op", "none of add"),
        ([{"op": ["add"], "path": "/Rank", "value": 1}], "op", "none of add"),
        ([{"op": "add", "value": 1}], "path", "needs a path"),
        ([{"op": "add", "path": 5, "value": 1}], "path", "needs a path"),
        (one("add", "/Rank"), "Rank", "needs a value"),
        ([5], None, "is an object"),
        (5, None, "Expected a list"),
        (one("add", "/Rank", 1) * (MAX_OPERATIONS + 1), None, "more than"),
        (one("replace", "/Status", "Pending"), "Status", "Expected one of"),
        (one("test", "/Status", "Pending"), "Status", "Expected one of"),
        (one("replace", "/Rank", "1x"), "Rank", "Expected a whole number"),
        (one("test", "/Rank", 2.5), "Rank", "Expected a whole number"),
        (one("replace", "/Rank", ""), "Rank", "Expected `int`"),
        (one("replace", "/Rank", 2**31), "Rank", "2147483647"),
        (one("replace", "/CustomerAlias", "x" * 65), "CustomerAlias", "64"),
        (one("replace", "/WhenIdle", "soon"), "WhenIdle", "date-time"),
        (one("replace", "/Contact", 5), "Contact", "object"),
        ([*one("replace", "/Contact", 5), *one("add", "/Contact/Name", "x")], "Contact.Name", ""),
        (one("replace", "/Contact", {"name": 1, "NAME": 2}), "Contact.Name", "given twice"),
        ({"rank": 1, "Rank": 2}, "Rank", "given twice"),
        ({"op": "replace", "path": "/Rank", "value": 1}, "op", "no such property"),
        ({"project": {"nobody": 1}}, "Project.nobody", "no such property"),
        ({"rank": {"a": 1}}, "Rank", "Expected `int`"),
        ({"contact": 5}, "Contact", "object"),
        (
            {"contact": {"address": {"localizedAddress": {"name": "z"}}}},
            "Contact.Address.LocalizedAddress",
            "Expected `array`",
        ),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_what_cannot_be_applied_is_refused_and_its_path_named(
    patch: object, field: str | None, message: str
) -> None:
    with pytest.raises(BadInput) as refusal:
        after(patch, RICH)
    assert (refusal.value.field or "") == (field or "")
    assert message in str(refusal.value)


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
    return patched(RICH, msgspec.json.encode(patch), shown=lambda: OWNED)


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


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not in request body"),
        (b"null", "not in request body"),
        (b"[", "Malformed JSON"),
        (b"[" * 100_000, "deeper than 64"),
        (b'[{"op": "add", "op": "remove", "path": "/Rank"}]', "given twice"),
        (b'{"Sale": {"Amount": 1e999}}', "out of range"),
        (b'{"CustomerName": "\\u0000"}', "NUL"),
        (b'{"Rank": NaN}', "Malformed JSON"),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else "",
)
def test_a_hostile_patch_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        patched(RICH, body)


@pytest.mark.parametrize("content_type", [b"application/xml", b"application/yaml"])
def test_a_patch_is_json(content_type: bytes) -> None:
    with pytest.raises(UnknownType):
        patched(STATE, b"<ChatSessionEntity/>", content_type)


def test_the_shape_of_a_body_tells_a_patch_from_a_merge() -> None:
    for content_type in (b"application/json", b"application/json-patch+json", b"text/json"):
        assert patched(STATE, b'{"Rank": 3}', content_type).rank == 3
    patch = b'[{"op": "replace", "path": "/Rank", "value": 3}]'
    assert patched(STATE, patch, b"application/merge-patch+json").rank == 3


def test_patch_after_patch_makes_no_entity_larger_than_a_request() -> None:
    fields: Members = {str(number): "x" * 4_000 for number in range(200)}
    large = after({"User": {"CustomFields": fields}}, RICH)
    more = {f"more {key}": text for key, text in fields.items()}
    with pytest.raises(BadInput, match=f"more than {MAX_PATCHED_BYTES} bytes"):
        after({"User": {"CustomFields": more}}, large)


def test_an_entity_that_is_too_large_can_be_made_smaller() -> None:
    fields: dict[str, str | None] = {str(number): "x" * 4_000 for number in range(300)}
    huge = replace(STATE, user=Associate(custom_fields=fields))
    assert after(one("remove", "/User/CustomFields/7"), huge) != huge
    with pytest.raises(BadInput, match=f"more than {MAX_PATCHED_BYTES} bytes"):
        after(one("add", "/User/CustomFields/more", "x"), huge)


PATHS = st.sampled_from(
    ["Rank", "CustomerName", "CustomerConsented", "Contact", "Contact/Name", "Contact/ContactId"]
)
SPELLINGS = st.sampled_from([str, str.upper, str.lower, "/{}".format])
# Without NUL, which is refused.
TEXTS = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=3)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "Rank": st.integers(-9, 9),
    "CustomerName": TEXTS,
    "CustomerConsented": st.booleans(),
    "Contact": st.none() | st.fixed_dictionaries({"ContactId": st.integers(1, 9)}),
    "Contact/Name": TEXTS,
    "Contact/ContactId": st.integers(1, 9),
}
OPERATIONS = PATHS.flatmap(
    lambda path: st.tuples(
        st.sampled_from(["add", "replace", "remove", "test"]),
        st.just(path),
        SPELLINGS,
        VALUES[path],
    )
)
DEFAULTS = to_tree(ChatSessionFields())


@settings(max_examples=30, deadline=None)
@given(st.lists(OPERATIONS, max_size=8))
def test_a_patch_equals_its_operations_on_a_plain_object(
    drawn: list[tuple[str, str, Callable[[str], str], Any]],
) -> None:
    model = to_tree(STATE)
    patch: list[Members] = []
    for op, path, spell, value in drawn:
        *above, name = path.split("/")
        holder = model[above[0]] if above else model
        if holder is None:
            continue
        operation: Members = {"op": op, "path": spell(path)}
        if op == "test":
            operation["value"] = holder.get(name)
        elif op != "remove":
            operation["value"] = holder[name] = value
        elif above:
            holder.pop(name, None)
        else:
            holder[name] = DEFAULTS[name]
        # A copy: what is changed later is not what was sent.
        patch.append(deepcopy(operation))
    assert to_tree(after(patch)) == model
