from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.date_time import EMPTY, FOREVER, TICKS_PER_SECOND, DateTime, is_set, parse, ticks, utc


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2018-11-21T16:32:47.1492785+01:00", id="seven digits and an offset"),
        pytest.param("2018-11-21T16:32:47.149Z", id="milliseconds in UTC"),
        pytest.param("2018-11-21T16:32:47", id="no fraction, no offset"),
        pytest.param("2018-11-21T16:32:47.1000000", id="digits that say nothing"),
        pytest.param("2018-11-21", id="a day only"),
        pytest.param("2024-02-29", id="a leap day"),
        pytest.param("2018-11-21T16:32:47-00:00", id="minus nothing"),
        pytest.param("2018-11-21T16:32:47+14:00", id="the widest offset"),
        pytest.param("9999-12-31T23:59:59.9999999", id="the last instant"),
        pytest.param(EMPTY, id="not set"),
    ],
)
def test_a_date_time_is_kept_character_by_character(text: str) -> None:
    assert parse(text) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("today", id="a word"),
        pytest.param("2018-11-21T16:32", id="no seconds"),
        pytest.param("2018-11-21T24:00:00", id="hour 24"),
        pytest.param("2018-11-21T16:60:00", id="minute 60"),
        pytest.param("2018-11-21T16:32:47.", id="a dot without digits"),
        pytest.param("2018-11-21T16:32:47+14:01", id="too wide an offset"),
        pytest.param("2018-11-21T16:32:47+01:60", id="an offset of 60 minutes"),
        pytest.param("2018-11-21T16:32:47+1401", id="too wide an offset without colon"),
        pytest.param("2018-11-21T16:32:47+01", id="an offset of hours"),
        pytest.param("2018-11-21T16:32:47+01 00", id="a blank in an offset"),
        pytest.param("2018-11-21  16:32:47", id="two blanks"),
        pytest.param("2018-11-21Z", id="a day with an offset"),
        pytest.param("20181121", id="no hyphens"),
        pytest.param("2018-W47-3", id="a week"),
        pytest.param("-2018-11-21", id="a year before 1"),
        pytest.param("2018-11-21T16:32:47Z\n", id="a line end after it"),
        pytest.param("٢٠١٨-11-21", id="digits of another script"),
    ],
)
def test_what_is_no_date_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="Expected a date-time such as 2018-11-21"):
        parse(text)


@pytest.mark.parametrize(
    "day", ["2023-02-29", "1900-02-29", "2018-04-31", "2018-13-01", "0000-01-01", "0000-12-30"]
)
def test_a_day_that_the_calendar_does_not_have_is_refused(day: str) -> None:
    with pytest.raises(ValueError, match=f"{day} is not a day of the calendar"):
        parse(f"{day}T00:00:00")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2018-12-24T12:34:45+0100", "2018-12-24T12:34:45+01:00", id="no colon"),
        pytest.param("2018-12-24T12:34:45-0530", "2018-12-24T12:34:45-05:30", id="west"),
        pytest.param("2018-12-24T12:34:45.5+1400", "2018-12-24T12:34:45.5+14:00", id="widest"),
        pytest.param("2018-12-24t12:34:45z", "2018-12-24T12:34:45Z", id="small letters"),
        pytest.param("2018-12-24 12:34:45", "2018-12-24T12:34:45", id="a blank for the T"),
        pytest.param("2018-12-24T12:34:45.123456789Z", "2018-12-24T12:34:45.1234567Z", id="Java"),
        pytest.param("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z", id="a leap second"),
        pytest.param("2017-01-01T05:29:60.5+05:30", "2017-01-01T05:30:00.5+05:30", id="in India"),
    ],
)
def test_what_rfc_3339_allows_is_read_in_our_own_spelling(text: str, expected: str) -> None:
    assert parse(text) == expected
    assert parse(expected) == expected


@pytest.mark.parametrize("text", ["2016-12-31T22:59:60Z", "2016-12-31T23:59:60+01:00"])
def test_a_leap_second_comes_before_midnight_in_utc(text: str) -> None:
    with pytest.raises(ValueError, match="leap second"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00.000Z",
        "0001-01-01T00:00:00+01:00",
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00-14:00",
        "0001-01-01T14:00:00Z",
        "0001-01-01T04:56:02.000Z",
        "0001-01-01T15:56:08.000Z",
        "0001-01-02T00:00:00+14:00",
        "0000-12-31T23:06:32.000Z",
        "0000-12-31T10:00:00",
        "0000-12-31T08:46:18.000Z",
        "-0001-12-31T23:06:32Z",
        "-000001-12-31T23:06:32.000Z",
        "+000000-12-31T23:06:32.000Z",
        "+000001-01-01T00:00:00Z",
    ],
)
def test_what_clocks_make_of_not_set_is_not_set(text: str) -> None:
    assert parse(text) == EMPTY


@pytest.mark.parametrize("text", ["0001-01-01T16:00:00.0000001", "0001-01-02", "0001-02-01"])
def test_a_later_day_of_the_first_year_is_set(text: str) -> None:
    assert parse(text) == text
    assert is_set(parse(text))


@pytest.mark.parametrize(
    "text", ["+010000-01-01T00:00:00.000Z", "+010000-01-01T05:29:59.999Z", "9999-12-31T23:59:60"]
)
def test_what_clocks_make_of_for_ever_is_for_ever(text: str) -> None:
    assert parse(text) == FOREVER


@pytest.mark.parametrize(
    "text",
    [
        "0000-12-30T23:59:59Z",
        "0000-12-31",
        "0000-12-31T07:59:59Z",
        "-000001-12-30T23:06:32.000Z",
        "-000002-12-31T23:06:32.000Z",
        "+000001-01-02T00:00:00Z",
        "+010000-01-01T16:00:01Z",
        "+002018-11-21T00:00:00Z",
    ],
)
def test_what_is_further_from_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"calendar|Expected a date-time"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("0001-01-01T00:00:00", 0, id="the beginning"),
        pytest.param("0001-01-01T00:00:00.0000001", 1, id="one tick"),
        pytest.param("0001-01-01T00:00:01.5", 15_000_000, id="digits are of a second"),
        pytest.param("0001-01-02", 86_400 * TICKS_PER_SECOND, id="a day"),
        pytest.param("0001-01-01T00:00:00+01:00", -3_600 * TICKS_PER_SECOND, id="before year 1"),
        pytest.param("1970-01-01T00:00:00Z", 621_355_968_000_000_000, id="as .NET counts"),
    ],
)
def test_ticks_count_from_the_year_1(text: str, expected: int) -> None:
    assert ticks(DateTime(text)) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("2018-11-21T16:00:00+01:00", "2018-11-21T15:00:00Z", id="east"),
        pytest.param("2018-11-21T16:00:00-03:30", "2018-11-21T19:30:00", id="west; none is UTC"),
        pytest.param("2018-11-21T16:00:00.1", "2018-11-21T16:00:00.1000000", id="zeros"),
        pytest.param("2018-11-21", "2018-11-21T00:00:00Z", id="a day is its midnight"),
    ],
)
def test_one_instant_has_the_same_ticks_however_written(one: str, other: str) -> None:
    assert ticks(DateTime(one)) == ticks(DateTime(other))


@settings(max_examples=50)
@given(st.datetimes(datetime.fromisoformat("0001-01-02")), st.integers(0, 9_999_999))
def test_every_instant_that_dotnet_can_print_is_accepted(moment: datetime, fraction: int) -> None:
    text = f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + f".{fraction:07}"
    assert ticks(parse(text)) % TICKS_PER_SECOND == fraction


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(EMPTY, False, id="empty"),
        pytest.param("0001-01-01T00:00:00.000Z", False, id="empty in UTC"),
        pytest.param("0001-01-01T16:00:00", False, id="by the slowest clock"),
        pytest.param("0001-01-01T16:00:00.0000001", True, id="later than that"),
    ],
)
def test_a_date_time_is_set_if_it_says_more_than_empty(text: str, expected: bool) -> None:
    assert is_set(DateTime(text)) is expected


def test_a_moment_of_the_clock_is_written_in_utc() -> None:
    moment = datetime(2026, 11, 21, 1, 2, 3, 45, tzinfo=timezone(timedelta(hours=2)))
    assert utc(moment) == "2026-11-20T23:02:03.000045"
    assert utc(datetime(2026, 11, 21, tzinfo=UTC)) == "2026-11-21T00:00:00"
    assert parse(utc(moment)) == utc(moment)
