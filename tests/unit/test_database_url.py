"""The database's URL and a password that is given elsewhere."""

from pathlib import Path

import pytest

from app.maintenance.urls import in_the_clear, with_password

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
    assert with_password(url, None, GIVEN) == whole


def test_the_password_of_a_file_wins(tmp_path: Path) -> None:
    (file := tmp_path / "password").touch(0o600)
    file.write_text("of the file\n")
    assert with_password("postgresql://app:own@h/x", file, GIVEN) == (
        "postgresql://app:of%20the%20file@h/x"
    )


def test_without_any_password_a_url_stays_as_it_is() -> None:
    assert with_password("postgresql://h/x", None, None) == "postgresql://h/x"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app@localhost/x", "postgresql://127.0.0.1:5432/x", "postgresql://[::1]:5432/x",
        "postgresql:///x", "postgresql:///x?host=/run/postgresql", "postgresql://%2Frun%2Fpg/x",
        "postgresql://db.example/x?sslmode=require", "postgresql://db.example/x?sslmode=verify-full",
        "postgresql://a.example,b.example/x?sslmode=verify-ca", "", "postgresql://[::1",
    ],
)  # fmt: skip
def test_a_database_within_the_machine_or_by_tls_is_not_warned_about(url: str) -> None:
    assert in_the_clear(url) is None


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://app:s3cret@db.example:5432/x", "db.example:5432 (sslmode=prefer)"),
        ("postgresql://app@db.example/x?sslmode=disable", "db.example (sslmode=disable)"),
        ("postgresql:///x?host=db.example&sslmode=allow", "db.example (sslmode=allow)"),
        ("postgresql://localhost,db.example/x", "on db.example (sslmode=prefer)"),
        ("postgresql://localhost.example/x", "localhost.example"),
        ("postgresql://[2001:db8::1]:5432/x", "[2001:db8::1]:5432"),
    ],
)
def test_a_database_that_strangers_can_listen_to_is_warned_about(url: str, hosts: str) -> None:
    warning = in_the_clear(url)
    assert warning is not None
    assert hosts in warning
    assert "s3cret" not in warning


def test_what_the_driver_takes_from_the_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert in_the_clear("postgresql://db.example/x") is None
