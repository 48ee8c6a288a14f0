"""What each operation of a JSON patch does to members, lists and maps."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.patches import RICH, STATE, Members, after, one

from app.faces.superoffice.wire.entity import to_tree
from app.faces.superoffice.wire.patch import TestFailed
from domain.chat.carriers import Address, Associate, Contact, LocalizedField
from domain.chat.enums import ChatSessionFlags, ChatSessionStatus
from domain.chat.fields import ChatSessionFields


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


def test_a_patch_that_changes_nothing_gives_what_there_was() -> None:
    assert after([], RICH) == RICH
    assert after({}, RICH) == RICH
    assert after(one("replace", "/Rank", 992), RICH) == RICH


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
