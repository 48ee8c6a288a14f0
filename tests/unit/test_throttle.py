"""Who guesses passwords waits longer and longer; who does not hardly notices."""

import pytest
from msgspec.structs import replace

from app.auth.throttle import Throttle, Throttled
from app.settings import GuessingLimits

LIMITS = GuessingLimits(
    failures=3,
    failures_at_large=5,
    pause_s=1.0,
    longest_pause_s=8.0,
    longest_pause_at_large_s=2.0,
    forgotten_after_s=60.0,
    established_s=1_000.0,
    kept=100,
)
HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"


class Clock:
    """Stands still until it is set."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return Throttle(LIMITS, clock)


def wait_s(throttle: Throttle, user: str, address: str | None = HERE) -> int:
    """Seconds until the next attempt; 0 for none."""
    try:
        throttle.require_patience(user, address)
    except Throttled as error:
        return error.retry_after_s
    return 0


def fail(throttle: Throttle, user: str, address: str | None = HERE, times: int = 1) -> None:
    for _ in range(times):
        throttle.failed(user, address)


def test_pauses_double_up_to_a_bound(throttle: Throttle, clock: Clock) -> None:
    waits = []
    for _ in range(8):
        fail(throttle, "kim")
        waits.append(wait_s(throttle, "kim"))
        clock.now += waits[-1]
        assert wait_s(throttle, "kim") == 0
    assert waits == [0, 0, 1, 2, 4, 8, 8, 8]


def test_a_wait_grows_shorter_and_is_told_in_whole_seconds(
    throttle: Throttle, clock: Clock
) -> None:
    fail(throttle, "kim", times=5)
    clock.now += 1.5
    assert wait_s(throttle, "kim") == 3  # of 4


def test_asking_costs_nothing(throttle: Throttle) -> None:
    fail(throttle, "kim", times=3)
    assert [wait_s(throttle, "kim") for _ in range(10)] == [1] * 10


def test_other_users_and_addresses_are_not_held_up_at_once(throttle: Throttle) -> None:
    fail(throttle, "kim", times=4)
    assert wait_s(throttle, "kim", ELSEWHERE) == 0
    assert wait_s(throttle, "pat", HERE) == 0


def test_a_success_clears_the_pair(throttle: Throttle) -> None:
    fail(throttle, "kim", times=2)
    throttle.succeeded("kim", HERE)
    fail(throttle, "kim", times=2)
    assert wait_s(throttle, "kim") == 0


def test_a_success_clears_nobody_else(throttle: Throttle) -> None:
    fail(throttle, "pat", times=4)
    throttle.succeeded("mallory", HERE)
    assert wait_s(throttle, "pat") == 2


def test_failures_are_forgotten_after_a_while(throttle: Throttle, clock: Clock) -> None:
    fail(throttle, "kim", times=6)
    clock.now += LIMITS.forgotten_after_s
    fail(throttle, "kim", times=2)
    assert wait_s(throttle, "kim") == 0


def test_a_user_who_is_guessed_at_from_many_addresses_is_held_up(throttle: Throttle) -> None:
    for number in range(7):
        fail(throttle, "kim", f"198.51.100.{number}")
    assert wait_s(throttle, "kim", HERE) == 2  # the bound at large
    assert wait_s(throttle, "pat", HERE) == 0


def test_an_address_that_guesses_at_many_users_is_held_up(throttle: Throttle) -> None:
    for number in range(5):
        fail(throttle, f"user {number}")
    assert wait_s(throttle, "kim", HERE) == 1
    assert wait_s(throttle, "kim", ELSEWHERE) == 0


def test_who_signed_in_here_before_does_not_wait_for_what_others_do(throttle: Throttle) -> None:
    throttle.succeeded("kim", HERE)
    for number in range(9):
        fail(throttle, "kim", f"198.51.100.{number}")
        fail(throttle, f"user {number}", HERE)
    assert wait_s(throttle, "kim", HERE) == 0
    assert wait_s(throttle, "kim", ELSEWHERE) == 2


def test_who_signed_in_here_before_waits_for_own_failures(throttle: Throttle) -> None:
    throttle.succeeded("kim", HERE)
    fail(throttle, "kim", times=3)
    assert wait_s(throttle, "kim") == 1


def test_being_established_ends(throttle: Throttle, clock: Clock) -> None:
    throttle.succeeded("kim", HERE)
    clock.now += LIMITS.established_s
    for number in range(5):
        fail(throttle, "kim", f"198.51.100.{number}")
    assert wait_s(throttle, "kim", HERE) == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        (None, None, True),
        ("unix", "unix", True),
        ("", "192.0.2.1", False),
    ],
    ids=["one network", "two networks", "mapped", "two addresses", "none", "no address", "empty"],
)
def test_an_address_is_what_one_client_has(
    throttle: Throttle, one: str | None, other: str | None, same: bool
) -> None:
    fail(throttle, "kim", one, times=3)
    assert (wait_s(throttle, "kim", other) > 0) is same


def test_memory_is_bounded_and_the_oldest_failures_go_first(clock: Clock) -> None:
    throttle = Throttle(replace(LIMITS, kept=9), clock)
    fail(throttle, "first", times=3)
    fail(throttle, "kim", "198.51.100.1", times=3)
    for number in range(3):
        throttle.failed(f"user {number}", f"198.51.100.{number + 2}")
        throttle.failed("kim", "198.51.100.1")
    assert wait_s(throttle, "first") == 0
    assert wait_s(throttle, "kim", "198.51.100.1") == 8


def test_a_very_large_number_of_failures_is_no_error(throttle: Throttle) -> None:
    fail(throttle, "kim", times=5_000)
    assert wait_s(throttle, "kim") == 8


def test_the_defaults_end_before_they_are_forgotten() -> None:
    limits = GuessingLimits()
    assert limits.forgotten_after_s > limits.longest_pause_s >= limits.longest_pause_at_large_s
