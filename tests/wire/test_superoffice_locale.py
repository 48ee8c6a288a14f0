from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.documents import PUT_CHAT_SESSION as DOCUMENTED

from app.faces.superoffice.wire import zones
from app.faces.superoffice.wire.answer import RenderOptions, write_entity
from app.faces.superoffice.wire.entity import read_entity
from app.faces.superoffice.wire.languages import translated
from app.faces.superoffice.wire.locale import AS_STORED, Locale, locale_of
from domain.chat.carriers import Contact, Person, Project, Sale
from domain.chat.session import ChatSession, ChatSessionFields
from domain.date_time import DateTime, ticks

NEW_YORK = ZoneInfo("America/New_York")
OSLO = ZoneInfo("Europe/Oslo")


def shown(state: ChatSessionFields, headers: dict[bytes, bytes]) -> dict[str, Any]:
    written = write_entity(state, RenderOptions(locale=locale_of(headers)))
    entity: dict[str, Any] = msgspec.json.decode(written)
    return entity


@pytest.mark.parametrize(
    ("header", "zone", "tagged"),
    [
        (b"NO", "Europe/Oslo", False),
        (b" no ", "Europe/Oslo", False),
        (b"261", "Europe/Oslo", False),
        (b"US-NY, includeTZOffset", "America/New_York", True),
        (b"includetzoffset,us-ny", "America/New_York", True),
        (b"NO,INCLUDETZOFFSET", "Europe/Oslo", True),
        (b"europe/oslo", "Europe/Oslo", False),
        (b"UTC", "UTC", False),
        (b"1", "UTC", False),
        (b"nonsense, NO", "Europe/Oslo", False),
    ],
)
def test_a_time_zone_goes_by_code_number_or_iana_name(
    header: bytes, zone: str, tagged: bool
) -> None:
    assert locale_of({b"so-timezone": header}) == Locale(zone=ZoneInfo(zone), tagged=tagged)


@pytest.mark.parametrize(
    "header",
    [
        b"Narnia",
        b"../../etc/passwd",
        b"Europe",
        b"9999999999",
        b"\xff\x00,",
        b"NO" * 200,
        b",,,",
        b"-1",
        b"+01:00",
    ],
)
def test_an_odd_time_zone_is_ignored(header: bytes) -> None:
    assert locale_of({b"so-timezone": header}) is None


def test_no_header_leaves_an_answer_as_it_is_stored() -> None:
    assert locale_of({}) is None
    assert locale_of({b"so-timezone": b"", b"accept-language": b"*"}) is None
    entity = shown(read_entity(DOCUMENTED), {b"so-culture": b"nb"})
    assert entity["WhenIdle"] == "2024-03-22T16:32:47.1492785+01:00"


@pytest.mark.parametrize(
    ("header", "idle", "requested"),
    [
        (b"NO", "2024-03-22T16:32:47.1492785", "2018-07-01T14:00:00"),
        (
            b"NO, includeTZOffset",
            "2024-03-22T16:32:47.1492785+01:00",
            "2018-07-01T14:00:00+02:00",
        ),
        (b"UTC,includeTZOffset", "2024-03-22T15:32:47.1492785Z", "2018-07-01T12:00:00Z"),
        (b"US-NY", "2024-03-22T11:32:47.1492785", "2018-07-01T08:00:00"),
        (b"includeTZOffset", "2024-03-22T16:32:47.1492785+01:00", "2018-07-01T12:00:00Z"),
    ],
)
def test_date_times_are_shown_in_the_zone_that_is_asked_for(
    header: bytes, idle: str, requested: str
) -> None:
    state = ChatSession(
        when_idle=DateTime("2024-03-22T16:32:47.1492785+01:00"),
        when_requested=DateTime("2018-07-01T12:00:00"),
        sale=Sale(sale_date=DateTime("2018-07-01T12:00:00"), next_due_date=None),
    )
    entity = shown(state, {b"so-timezone": header})
    assert (entity["WhenIdle"], entity["WhenRequested"]) == (idle, requested)
    assert entity["Sale"] == {"SaleDate": requested, "NextDueDate": None}
    assert entity["WhenEnded"] == "0001-01-01T00:00:00"


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00",
        "0001-01-01T00:00:00.000Z",
        "0001-01-01T04:56:02.000Z",
        "9999-12-31T23:59:59.9999999",
        "2018-07-01",
    ],
)
def test_what_is_no_instant_is_in_no_zone(text: str) -> None:
    assert zones.to_zone(text, OSLO, tagged=True) == text
    assert zones.to_utc(text, OSLO) == text


def test_local_mean_time_has_no_offset_and_is_shown_in_utc() -> None:
    assert zones.to_zone("1800-01-01T00:00:00", NEW_YORK, tagged=True) == "1800-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2018-12-24T12:34:45", "2018-12-24T17:34:45"),
        ("2018-12-24T12:34:45.1234567", "2018-12-24T17:34:45.1234567"),
        ("2018-12-24T12:34:45Z", "2018-12-24T12:34:45Z"),
        ("2018-12-24T12:34:45+01:00", "2018-12-24T12:34:45+01:00"),
        ("2018-02-30T12:34:45", "2018-02-30T12:34:45"),
        ("soon", "soon"),
    ],
)
def test_a_date_time_without_an_offset_is_read_as_of_the_zone(text: str, expected: str) -> None:
    assert zones.to_utc(text, NEW_YORK) == expected


def test_an_entity_is_read_in_the_zone_that_it_is_shown_in() -> None:
    body = b'{"WhenIdle": "2018-12-24T12:34:45", "sale": {"saleDate": "2018-07-24T12:34:45"}}'
    state = read_entity(body, zone=NEW_YORK)
    assert state.when_idle == "2018-12-24T17:34:45"
    assert state.sale == Sale(sale_date=DateTime("2018-07-24T16:34:45"))
    assert shown(state, {b"so-timezone": b"US-NY"})["WhenIdle"] == "2018-12-24T12:34:45"


@settings(max_examples=50, deadline=None)
@given(
    st.datetimes(datetime(1920, 1, 1), datetime(2037, 1, 1)),  # noqa: DTZ001  # as they are stored
    st.sampled_from(["America/New_York", "Asia/Kolkata", "Pacific/Chatham", "UTC"]),
)
def test_another_zone_is_the_same_instant(moment: datetime, zone: str) -> None:
    text = DateTime(moment.isoformat())
    assert ticks(DateTime(zones.to_zone(text, ZoneInfo(zone), tagged=True))) == ticks(text)


MANY = 'NO:"Kunde";US:"Customer"'


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({b"accept-language": b"nb-NO, en;q=0.5"}, "Kunde"),
        ({b"accept-language": b"fr,de,en"}, "Customer"),
        ({b"accept-language": b"nb", b"so-language": b"en"}, "Customer"),
        ({b"accept-language": b"nb", b"so-language": b"*"}, MANY),
        ({b"so-language": b"x"}, MANY),
        ({b"accept-language": b"sv"}, MANY),
        ({b"accept-language": b"xx, no"}, "Kunde"),
        ({b"accept-language": b"\xff;;,"}, MANY),
        ({b"accept-language": b"fr;q=0.1,en;q=0.9,no;q=1"}, "Kunde"),
        ({b"accept-language": b"*;q=0.1, en;q=0.5"}, "Customer"),
        ({b"accept-language": b"no;q=0, en;q=0.1"}, "Customer"),
        ({b"accept-language": b"no;q=0"}, MANY),
        ({}, MANY),
    ],
)
def test_a_multi_language_text_of_a_carrier_is_shown_in_the_best_language(
    headers: dict[bytes, bytes], expected: str
) -> None:
    state = ChatSession(sale=Sale(sale_type_name=MANY), customer_name=MANY)
    entity = shown(state, headers)
    assert entity["Sale"]["SaleTypeName"] == expected
    assert entity["CustomerName"] == MANY


LANGUAGES = {
    "US": ("en", "en-GB", "en-us; en-gb", "EN_us", "us"),
    "NO": ("no", "nb", "nn", "nb-NO", "nn-NO", "NO"),
    "SW": ("sv", "sv-SE", "sv-FI", "sw"),
    "DA": ("da", "da-DK"),
    "FI": ("fi", "fi-FI"),
    "FR": ("fr", "fr-CA", "fr-CH"),
    "GE": ("de", "de-AT", "de-DE", "de, en;q=0.8", "en;q=0.8, de", "ge"),
    "IT": ("it", "it-CH"),
    "NL": ("nl", "nl-BE"),
    "SP": ("es", "es-419", "sp"),
    "PL": ("pl",),
    "RU": ("ru", "ru-RU"),
    "CN": ("zh", "zh-CN", "zh-Hans-CN", "cn"),
    "CZ": ("cs", "cs-CZ", "cz"),
    "JP": ("ja", "ja-JP", "jp"),
    "UK": ("uk", "uk-UA", "UK"),
    "KO": ("ko", "ko-KR"),
    "VI": ("vi", "vi-VN"),
    "BR": ("pt", "pt-BR", "pt-PT", "br"),
    "CH": ("de-CH", "de_CH", "de-Latn-CH", "gsw", "gsw-CH", "ch"),
}
"""The vendor's codes, and what names the same languages in a header."""
IN_ALL = ";".join(f'{code}:"in {code}"' for code in LANGUAGES)


@pytest.mark.parametrize(
    ("code", "header"), [(code, each) for code, given in LANGUAGES.items() for each in given]
)
@pytest.mark.parametrize("name", [b"accept-language", b"so-language"])
def test_each_of_the_vendors_languages_is_found_by_its_names(
    name: bytes, code: str, header: str
) -> None:
    entity = shown(ChatSession(contact=Contact(category_name=IN_ALL)), {name: header.encode()})
    assert entity["Contact"]["CategoryName"] == f"in {code}"


@pytest.mark.parametrize(
    ("text", "header", "expected"),
    [
        ('US:"Vendor";GE:"Lieferant"', b"de-CH", "Lieferant"),
        ('US:"Vendor";CH:"Lieferant"', b"de", "Lieferant"),
        ('US:"Vendor";CH:"Zulieferer"', b"de-AT;q=0.9, en;q=0.3", "Zulieferer"),
        ('US:"Vendor";DE:"Lieferant"', b"de", "Lieferant"),
        ('US:"Vendor";SW:"Leverant\u00f6r"', b"de, sv;q=0.5, en;q=0.8", "Vendor"),
        ('US:"Vendor";IS:"Birgir"', b"is-IS, en", "Birgir"),
        ('US:"Vendor"GE:"Lieferant"NO:"x"', b"de", "Lieferant"),
        ('NO: "Bil", US: "Car"', b"en", "Car"),
        ('us:"Vendor"; ge:"Lieferant";', b"de", "Lieferant"),
        ('US:"Vendor";GE:"Lieferant"', b"el", 'US:"Vendor";GE:"Lieferant"'),
        ('US:"Vendor";GE:"Lieferant"', b"fr, *;q=0.1", 'US:"Vendor";GE:"Lieferant"'),
        ('US:"Vendor";GE:"Lieferant"', b"de;q=0, en;q=0.1", "Vendor"),
        ('US:"a; NO:";GE:"b"', b"no, en", "a; NO:"),
    ],
)
def test_of_several_languages_the_best_that_a_text_has_is_shown(
    text: str, header: bytes, expected: str
) -> None:
    held = ChatSession(contact=Contact(category_name=text))
    entity = shown(held, {b"accept-language": header})
    assert entity["Contact"]["CategoryName"] == expected
    locale = locale_of({b"accept-language": header})
    assert locale is not None
    back = read_entity(msgspec.json.encode(entity))
    assert locale.kept(back, held).contact == held.contact


@pytest.mark.parametrize("text", ["plain", 'a:"b"', 'NO:"a" and more', 'NO:"a', ""])
def test_what_is_no_multi_language_text_stays_whole(text: str) -> None:
    assert translated(text, ("NO", "A")) == text


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
