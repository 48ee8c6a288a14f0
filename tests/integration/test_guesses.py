"""Guesses of passwords are slowed down, and hold nobody else up."""

import asyncio

import pytest
from support.principals import basic

from app.auth.principals import Unauthenticated
from app.auth.throttle import Throttled
from app.auth.verification import Principals

HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"


async def guess(principals: Principals, name: str, *addresses: str) -> list[str]:
    """What wrong passwords are answered, each another one and as long as it is asked for."""
    answers = []
    for number, address in enumerate(addresses):
        try:
            await principals.authenticate(basic(name, f"guess {number}"), address)
        except (Unauthenticated, Throttled) as error:
            answers.append(type(error).__name__)
    return answers


@pytest.mark.parametrize("name", ["kim", "nobody"], ids=["a user", "an unknown name"])
async def test_after_a_handful_of_wrong_passwords_no_more_are_looked_at(
    principals: Principals, name: str
) -> None:
    answers = await guess(principals, name, *[HERE] * 7)
    assert answers == ["Unauthenticated"] * 5 + ["Throttled"] * 2
    with pytest.raises(Throttled):
        await principals.authenticate(basic(name, "right as rain"), HERE)
    with pytest.raises(Throttled):
        await principals.by_password(name, "right as rain", HERE)


async def test_guesses_that_are_made_at_once_are_counted_like_others(
    principals: Principals,
) -> None:
    tries = [guess(principals, "kim", HERE) for _ in range(3)]
    same = [answer for answers in await asyncio.gather(*tries) for answer in answers]
    assert same == ["Unauthenticated"] * 3  # the same credential: checked once for all
    many = [principals.authenticate(basic("kim", f"other {number}"), HERE) for number in range(20)]
    kinds = [type(each).__name__ for each in await asyncio.gather(*many, return_exceptions=True)]
    # What is being checked when the last failure is counted is not called back.
    assert 4 <= kinds.count("Unauthenticated") <= 5
    assert kinds.count("Throttled") == 20 - kinds.count("Unauthenticated")


async def test_who_was_let_in_stays_so_whatever_others_guess(forgetful: Principals) -> None:
    await forgetful.authenticate(basic("kim", "right as rain"), HERE)
    await guess(forgetful, "kim", *[HERE] * 6, *[ELSEWHERE] * 6)
    assert (await forgetful.authenticate(basic("kim", "right as rain"), HERE)).name == "kim"


async def test_who_calls_all_the_time_does_not_clear_the_way_for_guesses(
    forgetful: Principals,
) -> None:
    await forgetful.authenticate(basic("kim", "right as rain"), HERE)
    await guess(forgetful, "kim", *[HERE] * 5)
    await forgetful.authenticate(basic("kim", "right as rain"), HERE)
    assert await guess(forgetful, "kim", HERE) == ["Throttled"]


async def test_guesses_elsewhere_hold_nobody_up_here(principals: Principals) -> None:
    await guess(principals, "kim", *[ELSEWHERE] * 7)
    verified = await principals.by_password("kim", "right as rain", HERE)
    assert verified.principal.name == "kim"


async def test_tokens_are_not_slowed_down(principals: Principals, token: str) -> None:
    await guess(principals, "kim", *[HERE] * 7)
    assert (await principals.authenticate(b"Bearer " + token.encode(), HERE)).name == "kim"
