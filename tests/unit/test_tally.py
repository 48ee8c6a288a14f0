"""Refused input in the security log: few lines, whatever comes."""

import logging

import pytest

from app.telemetry.logs import SECURITY
from app.telemetry.security import Attempt, Happening
from app.telemetry.tally import Tally


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tally(clock: Clock, caplog: pytest.LogCaptureFixture) -> Tally:
    caplog.set_level(logging.INFO, SECURITY)
    return Tally(clock)


def refused(address: str = "192.0.2.1", status: int = 400, request_id: str = "r") -> Attempt:
    return Attempt(
        what=Happening.INPUT_REFUSED,
        reason="BadRequest",
        status=status,
        address=address,
        request_id=request_id,
    )


def counts(caplog: pytest.LogCaptureFixture) -> list[int]:
    """Of the lines since the last look."""
    found = [getattr(record, "fields", {})["count"] for record in caplog.records]
    caplog.clear()
    return found


def test_the_first_is_a_line_at_once_and_the_others_one_a_minute(
    tally: Tally, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    tally.add(refused())
    assert counts(caplog) == [1]
    for number in range(1_000):
        tally.add(refused(request_id=f"r-{number}"))
        tally.write_due()
    assert counts(caplog) == []
    clock.now = 60.0
    tally.write_due()
    assert [getattr(record, "fields", {})["requestId"] for record in caplog.records] == ["r-999"]
    assert counts(caplog) == [1_000]
    tally.add(refused())
    clock.now = 119.0
    tally.write_due()
    assert counts(caplog) == []
    clock.now = 120.0
    tally.write_due()
    assert counts(caplog) == [1]


def test_after_a_quiet_minute_the_next_is_a_line_at_once(
    tally: Tally, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    tally.add(refused())
    clock.now = 61.0
    tally.write_due()
    tally.add(refused())
    assert counts(caplog) == [1, 1]


def test_reasons_and_addresses_are_told_apart(
    tally: Tally, caplog: pytest.LogCaptureFixture
) -> None:
    for attempt in (refused(), refused("192.0.2.2"), refused(status=413), refused()):
        tally.add(attempt)
    assert counts(caplog) == [1, 1, 1]


def test_a_flood_from_everywhere_is_not_a_line_an_address(
    tally: Tally, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(10_000):
        tally.add(refused(f"198.51.100.{number}"))
    assert len(caplog.records) == 201
    assert "address" not in getattr(caplog.records[-1], "fields", {})
    caplog.clear()
    clock.now = 60.0
    tally.write_due()
    assert counts(caplog) == [9_799]


def test_the_rest_is_written_when_the_worker_ends(
    tally: Tally, caplog: pytest.LogCaptureFixture
) -> None:
    tally.add(refused())
    tally.add(refused())
    tally.write_due(everything=True)
    assert counts(caplog) == [1, 1]
