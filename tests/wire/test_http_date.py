"""Dates of HTTP headers."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.http import dates

AT = datetime(2026, 11, 21, 10, 0, 5, tzinfo=UTC)


def test_a_date_is_written_to_the_next_second() -> None:
    assert dates.write(AT) == b"Sat, 21 Nov 2026 10:00:05 GMT"
    assert dates.write(AT.replace(microsecond=1)) == b"Sat, 21 Nov 2026 10:00:06 GMT"


def test_a_date_is_written_in_gmt() -> None:
    there = AT.astimezone(timezone(timedelta(hours=9)))
    assert dates.write(there) == b"Sat, 21 Nov 2026 10:00:05 GMT"


@pytest.mark.parametrize(
    "header",
    [
        b"Sat, 21 Nov 2026 10:00:05 GMT",
        b"Saturday, 21-Nov-26 10:00:05 GMT",
        b"Sat Nov 21 10:00:05 2026",
        b"Sat, 21 Nov 2026 11:00:05 +0100",
    ],
    ids=["as it should be", "RFC 850", "asctime", "with an offset"],
)
def test_a_date_is_read_in_each_of_its_forms(header: bytes) -> None:
    assert dates.read(header) == AT


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"",
        b"yesterday",
        b"2026-11-21T10:00:05Z",
        b"Sat, 99 Nov 2026 10:00:05 GMT",
        b"Sat, 21 Nov 99999999999 10:00:05 GMT",
        b"Fri, 31 Dec 9999 23:59:59 -2300",
        b"Sat, 21 Nov 2026 10:00:05 +99999999",
        b"\xff\x00",
        b"," * 101,
    ],
)
def test_what_is_no_date_is_none(header: bytes | None) -> None:
    assert dates.read(header) is None
