"""Users of a running service, put into its database: the command line would start once for each."""

import asyncio
from collections.abc import Mapping, Sequence

from app.maintenance import users
from app.maintenance.store import connected
from support.service_process import ServiceProcess


def add_users(served: ServiceProcess, roles: Mapping[str, str]) -> dict[str, str]:
    """Add users of one role each, who call with tokens only; the tokens."""

    async def add() -> None:
        async with connected(served.database_url) as store:
            for name, role in roles.items():
                await users.add(store, name, [role], None)

    with asyncio.Runner() as runner:
        runner.run(add())
    return tokens_of(served, list(roles))


def token_of(served: ServiceProcess, name: str) -> str:
    """A new token for a user."""
    return tokens_of(served, [name])[name]


def tokens_of(served: ServiceProcess, names: Sequence[str]) -> dict[str, str]:
    """A new token for each of these users."""

    async def give() -> dict[str, str]:
        async with connected(served.database_url) as store:
            return {name: await users.give_token(store, name) for name in names}

    with asyncio.Runner() as runner:
        return runner.run(give())
