"""Texts and date-times that come back as they were shown change nothing."""

import msgspec
import pytest
from support.located import MANY, shown

from app.faces.superoffice.wire.entity import read_entity
from app.faces.superoffice.wire.locale import AS_STORED, locale_of
from domain.chat.carriers import Person, Project
from domain.chat.fields import ChatSessionFields
from domain.date_time import DateTime

STORED = ChatSessionFields(
    customer_name=MANY,
    when_requested=DateTime("2018-11-21T16:32:47+01:00"),
    when_started=DateTime("2018-11-21T15:33:00.1234567"),
    when_ended=DateTime("2018-11-21"),
    # The second 02:30 of that night in Oslo.
    when_idle=DateTime("2018-10-28T01:30:00"),
    person=Person(person_id=1, category_name=MANY, firstname=None),
    project=Project(name="Ark", updated=DateTime("2018-07-01T00:00:00+01:00")),
)


def put(headers: dict[bytes, bytes], **members: object) -> ChatSessionFields:
    """What a session is to hold when it is given back as it was shown, but for some members."""
    locale = locale_of(headers) or AS_STORED
    body = msgspec.json.encode(shown(STORED, headers) | members)
    return locale.kept(read_entity(body, zone=locale.zone), STORED)


@pytest.mark.parametrize("language", [b"", b"en", b"nb, en;q=0.5", b"*"])
@pytest.mark.parametrize(
    "zone", [b"", b"NO", b"NO,includeTZOffset", b"includeTZOffset", b"UTC", b"US-NY", b"AU1"]
)
def test_what_is_given_back_as_it_was_shown_is_what_is_held(zone: bytes, language: bytes) -> None:
    assert put({b"so-timezone": zone, b"accept-language": language}) == STORED


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({b"accept-language": b"en"}, "Kunde"),
        ({b"accept-language": b"en"}, None),
        ({}, "Customer"),
        ({b"accept-language": b"en"}, 'NO:"Klient";US:"Customer"'),
    ],
    ids=["another language's", "null", "no language asked for", "in several languages"],
)
def test_a_text_that_was_not_shown_is_a_change(
    headers: dict[bytes, bytes], text: str | None
) -> None:
    assert put(headers, Person={"CategoryName": text}).person == Person(category_name=text)


@pytest.mark.parametrize(
    ("headers", "given", "expected"),
    [
        ({b"so-timezone": b"NO"}, "2018-11-21T17:32:47", "2018-11-21T16:32:47"),
        ({b"so-timezone": b"NO"}, "2018-11-21T16:32:47.1", "2018-11-21T15:32:47.1"),
        ({b"so-timezone": b"NO"}, "2018-11-21T15:32:47.000Z", STORED.when_requested),
        ({b"so-timezone": b"UTC"}, "2018-11-21T15:32:47Z", STORED.when_requested),
        ({}, "2018-11-21T15:32:47Z", "2018-11-21T15:32:47Z"),
        ({b"accept-language": b"en"}, "2018-11-21T15:32:47Z", "2018-11-21T15:32:47Z"),
    ],
    ids=["later", "finer", "the client's own form", "UTC", "no zone asked for", "a language only"],
)
def test_a_date_time_is_kept_if_its_instant_was_shown_in_a_zone(
    headers: dict[bytes, bytes], given: str, expected: str
) -> None:
    assert put(headers, WhenRequested=given).when_requested == expected


def test_the_first_of_two_hours_can_be_told_from_the_second() -> None:
    given = "2018-10-28T02:30:00+02:00"
    assert put({b"so-timezone": b"NO"}, WhenIdle=given).when_idle == given
