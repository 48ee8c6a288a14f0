"""A log with personal data of which nothing may be erased by what a test asks for."""

import asyncpg

from app.service import Service
from domain.hold import PlaceHold
from support import given
from support.erasures import CANARY, chatted, everything, opened

LONG, HUGE = "x" * 501, "9" * 400
"""A text that is too long, and more digits than any number has."""


class Held:
    """Sessions that hold personal data, one of them on hold."""

    def __init__(self, session: str, chat: str, held: str) -> None:
        """Their ids."""
        self.session, self.chat, self.held = session, chat, held


async def holding(service: Service) -> Held:
    """Make them, and an account."""
    await given.open_account(service)
    found = Held(await opened(service), await chatted(service), await opened(service))
    hold = PlaceHold(target=found.held, reason="a lawsuit")
    await service.commands.handle(hold, given.call())
    return found


async def intact(database_url: str, held: Held) -> None:
    """Require that nothing was erased, and that no receipt says so."""
    owner = await asyncpg.connect(database_url)
    erased = "SELECT count(*) FROM stored_events WHERE topic LIKE '%erased%'"
    assert await owner.fetchval(erased) == 0
    assert await owner.fetchval("SELECT coalesce(sum(sessions), 0) FROM receipt") == 0
    text = await everything(owner)
    assert all(f"{CANARY} {each}" in text for each in ("two", "customer", "agent"))
    await owner.close()
