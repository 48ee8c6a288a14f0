"""Texts as long as they may be, and a character longer, in every format, escaped or not."""

import json
from collections.abc import Callable
from typing import NamedTuple

import httpx
import pytest
from support.evo_messages import ANSWERS, REQUESTS, as_xml

LONGEST = 65_536
USUAL = 60_000
SMILE = "\U0001f600"
"""Four bytes in UTF-8, twelve where its writer escapes it: of these a body holds fewest."""


class Place(NamedTuple):
    """A free text of a command."""

    operation: str
    method: str
    path: str
    member: str


PLACES = {
    "a purpose": Place("NewAISession", "POST", "/ai/sessions", "purpose"),
    "another purpose": Place("PatchAISession", "PATCH", "/ai/sessions/{}", "purpose"),
    "arguments": Place("NewAISessionAction", "POST", "/ai/sessions/{}/actions", "arguments"),
    "a description": Place("NewAISessionAction", "POST", "/ai/sessions/{}/actions", "description"),
}


def sent(
    admin: httpx.Client, session: str, place: Place, text: str, format_: str
) -> httpx.Response:
    members = {place.member: text}
    if place.operation == "NewAISessionAction":
        members["functionName"] = "f"
    written = REQUESTS[format_]
    return admin.request(
        place.method,
        place.path.format(session),
        content=written.body(place.operation, members),
        headers={"Content-Type": written.content_type, "Accept": "application/json"},
    )


def stored_text(answer: httpx.Response, member: str) -> str:
    assert answer.status_code == 200, answer.text[:500]
    found = answer.json()
    return str((found["actions"][-1] if member != "purpose" else found)[member])


@pytest.mark.parametrize("format_", REQUESTS)
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_long_text_is_taken_and_a_longer_one_named(
    admin: httpx.Client, session: str, place: Place, format_: str
) -> None:
    for text in ("a" * USUAL, SMILE * LONGEST):
        answer = sent(admin, session, place, text, format_)
        assert stored_text(answer, place.member) == text
    for text in ("a" * (LONGEST + 1), SMILE * (LONGEST + 1)):
        refused = sent(admin, session, place, text, format_)
        assert refused.status_code == 400, refused.text[:500]
        (error,) = refused.json()["responseStatus"]["errors"]
        assert error["fieldName"].lower() == place.member
        assert str(LONGEST) in error["message"]


@pytest.mark.parametrize("format_", ANSWERS)
def test_a_long_text_comes_back_in_every_format(
    admin: httpx.Client, session: str, format_: str
) -> None:
    text = ('"<a>,;' + SMILE) * (LONGEST // 7)
    admin.patch(f"/ai/sessions/{session}", json={"purpose": text}).raise_for_status()
    answer = admin.get(f"/ai/sessions/{session}.{format_}")
    assert ANSWERS[format_].members(answer.content)["purpose"] == text


ESCAPED: dict[str, tuple[str, Callable[[str], str]]] = {
    "JSON": ("application/json", lambda text: json.dumps({"purpose": text})),
    "XML": (
        "application/xml",
        lambda text: as_xml("PatchAISession", {"purpose": text}).replace(SMILE, "&#128512;"),
    ),
}


@pytest.mark.parametrize(("content_type", "write"), ESCAPED.values(), ids=ESCAPED)
def test_a_text_may_be_escaped_from_end_to_end(
    admin: httpx.Client, session: str, content_type: str, write: Callable[[str], str]
) -> None:
    for text, status in ((SMILE * LONGEST, 200), (SMILE * (LONGEST + 1), 400)):
        answer = admin.patch(
            f"/ai/sessions/{session}",
            content=write(text).encode(),
            headers={"Content-Type": content_type, "Accept": "application/json"},
        )
        assert answer.status_code == status, answer.text[:500]


def test_pages_and_description_tell_the_limit(admin: httpx.Client) -> None:
    schemas = admin.get("/schema/openapi.json").json()["components"]["schemas"]
    for place in PLACES.values():
        member = schemas[place.operation]["properties"][place.member]
        assert [one.get("maxLength") for one in member["anyOf"]] == [LONGEST, None]
        page = admin.get(f"/json/metadata?op={place.operation}").text
        assert f"t most {LONGEST:,} characters" in page
