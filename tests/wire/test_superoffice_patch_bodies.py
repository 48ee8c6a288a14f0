"""Bodies of patches: merges, what tells the two apart, hostile ones, and their sizes."""

import pytest
from msgspec.structs import replace
from support.patches import COMPANY, RICH, STATE, Members, after, one, patched_by

from app.codecs.formats import UnknownType
from app.codecs.json_text import BadInput
from app.faces.superoffice.wire.patch import MAX_PATCHED_BYTES
from domain.chat.carriers import Associate, Sale


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
        patched_by(RICH, body)


@pytest.mark.parametrize("content_type", [b"application/xml", b"application/yaml"])
def test_a_patch_is_json(content_type: bytes) -> None:
    with pytest.raises(UnknownType):
        patched_by(STATE, b"<ChatSessionEntity/>", content_type)


def test_the_shape_of_a_body_tells_a_patch_from_a_merge() -> None:
    for content_type in (b"application/json", b"application/json-patch+json", b"text/json"):
        assert patched_by(STATE, b'{"Rank": 3}', content_type).rank == 3
    patch = b'[{"op": "replace", "path": "/Rank", "value": 3}]'
    assert patched_by(STATE, patch, b"application/merge-patch+json").rank == 3


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
