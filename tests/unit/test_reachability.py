"""What the log is told of the database's absence: little, and nothing secret."""

import logging

import pytest

from app.database import pool
from app.database.pool import Reachability


@pytest.fixture(autouse=True)
def _everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "sessionary")


def levels(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.levelname for record in caplog.records]


def test_a_database_that_answers_is_not_worth_a_line(caplog: pytest.LogCaptureFixture) -> None:
    Reachability().answered()
    assert levels(caplog) == []


def test_an_absence_that_comes_and_goes_does_not_fill_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reachability = Reachability()
    for _ in range(100):
        reachability.failed(ConnectionResetError("gone"))
        reachability.answered()
    assert levels(caplog) == ["WARNING", "INFO"]


def test_the_next_outage_is_told_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "QUIET_S", 0.0)
    reachability = Reachability()
    for _ in range(2):
        reachability.failed(TimeoutError())
        reachability.answered()
    assert levels(caplog) == ["WARNING", "INFO"] * 2
    assert caplog.records[0].message == "The database does not answer: TimeoutError"


def test_words_that_may_hold_a_password_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    Reachability().failed(ValueError("invalid literal for int(): 'secret'"))
    assert caplog.messages == ["The database does not answer: ValueError"]
