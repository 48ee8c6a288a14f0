"""Which passwords are taken, and how the ends of tokens are read."""

from datetime import UTC, datetime, timedelta

import pytest

from app.auth.lifetimes import end_of
from app.auth.password_rules import MAX_PASSWORD, UnfitPassword, is_common, require_fit
from domain.errors import InvalidField

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "password",
    [
        "",
        "eleven char",
        "x" * (MAX_PASSWORD + 1),
        "nul in the \0 middle",
        "no text \udcff at all",
        "administrator",
        "AdministratoR",
        "administrator1",
        "1administrator!!",
        "123456789012",
        "123456654321",
        "abcdefghijkl",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "pass" * 4,
        "1qaz2wsx3edc",
        "1QAZ2wsx3EDC",
        "qwerty123456",
        "unbelievable ",
    ],
)
def test_a_weak_password_is_refused_and_not_repeated(password: str) -> None:
    with pytest.raises(UnfitPassword) as refused:
        require_fit("administrator", password)
    assert not password or password not in str(refused.value)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "right as rain",
        "a" * 11 + "b" + "c",
        "zwölf Zeichen",
        "\U0001f600\U0001f601\U0001f602\U0001f603 and some more",
        "x7" + "y" * (MAX_PASSWORD - 2),
    ],
)
def test_a_long_password_is_taken_whatever_it_is_made_of(password: str) -> None:
    require_fit("administrator", password)


@pytest.mark.parametrize(
    ("name", "password", "fits"),
    [
        ("kim", "kimkimkimkim", False),
        ("KIM", "kim kim kim!!", False),
        ("kim", "kimono and sandals", True),
        ("a", "aaaaaaaaaaaa", False),
        ("a", "a cat and a hat", True),
    ],
)
def test_a_name_is_no_password(name: str, password: str, fits: bool) -> None:
    if fits:
        require_fit(name, password)
    else:
        with pytest.raises(UnfitPassword):
            require_fit(name, password)


def test_the_list_that_ships_is_long_enough() -> None:
    from app.auth.password_rules import _common

    assert len(_common()) >= 3_000
    assert all(len(each) >= 12 and each == each.casefold() for each in _common())
    assert not is_common("correct horse battery staple")


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("90d", NOON + timedelta(days=90)),
        ("8s", NOON + timedelta(seconds=8)),
        ("12H", NOON + timedelta(hours=12)),
        ("2w", NOON + timedelta(weeks=2)),
        ("5 m", NOON + timedelta(minutes=5)),
        ("never", None),
        ("NEVER", None),
        ("2026-12-01T10:00:00Z", datetime(2026, 12, 1, 10, tzinfo=UTC)),
        ("2026-12-01T10:00:00+02:00", datetime(2026, 12, 1, 8, tzinfo=UTC)),
    ],
)
def test_the_end_of_a_token_is_read_as_people_write_it(text: str, end: datetime | None) -> None:
    assert end_of(text, NOON) == end


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0d",
        "-1d",
        "90",
        "d",
        "1.5d",
        "90 days",
        "٩0d",
        "999999999w",
        "2026-12-01",
        "2026-12-01T10:00:00",
        "2026-11-29T11:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "tomorrow",
    ],
)
def test_what_is_no_end_is_refused(text: str) -> None:
    with pytest.raises(InvalidField):
        end_of(text, NOON)
