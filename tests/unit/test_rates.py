"""A caller may ask at its rate, with a burst; other callers do not count."""

import pytest

from app.concurrency.rates import Rates, TooOften


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def taken(rates: Rates, name: str, tries: int) -> int:
    """How many of some tries are admitted."""
    admitted = 0
    for _ in range(tries):
        try:
            rates.take(name)
        except TooOften:
            continue
        admitted += 1
    return admitted


def test_a_burst_is_admitted_and_then_the_rate() -> None:
    rates = Rates(5.0, 2.0, clock := Clock())
    assert taken(rates, "kim", 50) == 10
    clock.now += 1.0
    assert taken(rates, "kim", 50) == 5
    clock.now += 100.0
    assert taken(rates, "kim", 50) == 10


def test_others_do_not_count() -> None:
    rates = Rates(5.0, 2.0, Clock())
    assert taken(rates, "kim", 50) == taken(rates, "pat", 50) == 10


def test_a_refusal_says_when_to_come_again_and_costs_nothing() -> None:
    rates = Rates(0.25, 1.0, clock := Clock())
    rates.take("kim")
    for _ in range(10):
        with pytest.raises(TooOften) as refused:
            rates.take("kim")
        assert refused.value.retry_after_s == 4
    clock.now += 4.0
    rates.take("kim")


def test_the_longest_unseen_are_forgotten() -> None:
    rates = Rates(1.0, 1.0, Clock())
    for number in range(5_000):
        rates.take(f"{number}")
    assert taken(rates, "0", 1) == 1
    assert taken(rates, "4999", 1) == 0
