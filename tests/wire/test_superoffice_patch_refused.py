"""Patches that cannot be applied are refused, and the path at fault is named."""

from collections.abc import Callable

import pytest
from support.patches import RICH, STATE, after, one

from app.codecs.json_text import BadInput
from app.codecs.limits import MAX_OPERATIONS


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
