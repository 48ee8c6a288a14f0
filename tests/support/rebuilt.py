"""A few sessions and accounts, and the tables of their views."""

import asyncpg

from app.service import Service
from projections.catalog import VIEWS
from support import given

NAMES = [view.name for view in VIEWS]


async def a_few_of_each(service: Service, account: str = "a1") -> None:
    await given.open_account(service, account)
    for number in range(5):
        opened = await given.open_ai_session(service, account=account)
        await given.patch_ai_session(service, given.session_of(opened), f"purpose {number}")
        await given.open_chat_session(service)
    await given.delete_ai_session(service, given.session_of(opened))


async def oids(owner: asyncpg.Connection) -> dict[str, int]:
    return {name: await owner.fetchval("SELECT $1::text::regclass::oid", name) for name in NAMES}


async def fresh_tables(owner: asyncpg.Connection) -> list[str]:
    rows = await owner.fetch("SELECT relname FROM pg_class WHERE relname LIKE '%\\_new%'")
    return [row[0] for row in rows]
