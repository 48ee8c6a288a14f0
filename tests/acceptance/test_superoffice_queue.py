"""Agents pick up from one queue through two workers: no session twice, none left."""

import asyncio

import httpx
from support.chat_service import PATH, Chats, number
from support.patience import patient

SESSIONS = 60
AGENTS = ("kim", "pat", "max")
AT_ONCE = 8
"""Requests of each agent."""


def emptied(chats: Chats) -> None:
    """Take what other tests left in the queue."""
    while chats["admin"].post(f"{PATH}/Pickup").json() is not None:
        pass


async def take_all(base_url: str, token: str) -> list[int]:
    """What one client picks up until nothing waits."""
    headers = {"Authorization": f"Bearer {token}"}
    found: list[int] = []
    async with httpx.AsyncClient(
        base_url=base_url, headers=headers, timeout=patient(60.0)
    ) as client:
        while (answer := await client.post(f"{PATH}/Pickup")).content != b"null":
            found.append(number(answer))
    return found


async def test_each_session_is_picked_up_by_one_agent(chats: Chats) -> None:
    emptied(chats)
    queued = sorted(chats.queued() for _ in range(SESSIONS))
    picked = await asyncio.gather(
        *(
            take_all(chats.served.base_url, chats.tokens[name])
            for name in AGENTS
            for _ in range(AT_ONCE)
        )
    )
    assert sorted(each for found in picked for each in found) == queued
    assert chats["kim"].post(f"{PATH}/Pickup").content == b"null"


async def test_one_session_goes_to_one_of_all_who_want_it(chats: Chats) -> None:
    wanted = chats.queued()
    async with httpx.AsyncClient(base_url=chats.served.base_url, timeout=patient(60.0)) as client:
        answers = await asyncio.gather(
            *(
                client.post(
                    f"{PATH}/{wanted}/Pickup",
                    headers={"Authorization": f"Bearer {chats.tokens[name]}"},
                )
                for name in AGENTS * AT_ONCE
            )
        )
    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.content != b"null" for answer in answers) == 1


def test_who_waited_longest_is_first(chats: Chats) -> None:
    emptied(chats)
    queued = [chats.queued() for _ in range(3)]
    assert [number(chats["kim"].post(f"{PATH}/Pickup")) for _ in queued] == queued
