"""The database's URL and a password that is given elsewhere."""

from pathlib import Path

import pytest

from app.maintenance.database_url import with_password

GIVEN = "p/w d"


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("postgresql://app@h/x", "postgresql://app:p%2Fw%20d@h/x"),
        ("postgresql://app:own@h/x", "postgresql://app:own@h/x"),
        ("postgresql://app@h/x?password=own", "postgresql://app@h/x?password=own"),
        ("postgresql:///x?user=app", "postgresql:///x?user=app&password=p%2Fw%20d"),
        ("postgresql://h/x", "postgresql://h/x?password=p%2Fw%20d"),
        ("postgresql://app@h1,h2/x", "postgresql://app:p%2Fw%20d@h1,h2/x"),
    ],
)
def test_a_password_completes_a_url_without_one(url: str, whole: str) -> None:
    assert with_password(url, GIVEN, None) == whole


def test_the_password_of_a_file_wins(tmp_path: Path) -> None:
    (file := tmp_path / "password").touch(0o600)
    file.write_text("of the file\n")
    assert with_password("postgresql://app:own@h/x", GIVEN, file) == (
        "postgresql://app:of%20the%20file@h/x"
    )


def test_without_any_password_a_url_stays_as_it_is() -> None:
    assert with_password("postgresql://h/x", None, None) == "postgresql://h/x"
