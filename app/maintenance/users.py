"""The users who may call: adding and listing them, their tokens, the first administrator."""

import secrets
from collections.abc import Sequence

import asyncpg

from app.auth.passwords import hash_password
from app.auth.principals import SQL, new_token
from app.auth.roles import SYSTEM_ADMINISTRATOR
from app.maintenance.store import Connection
from domain.limits import PRINCIPAL_NAME_LENGTH


class UserError(Exception):
    """A user cannot be added, or does not exist; the message is for humans."""


async def add(store: Connection, name: str, roles: Sequence[str], password: str | None) -> None:
    """Add a principal; without a password it calls with tokens only. Raises UserError."""
    _check_name(name)
    if password == "":
        raise UserError("The password is empty")
    password_hash = None if password is None else hash_password(password)
    if not await store.ask(SQL["add"], name, password_hash, list(roles)):
        raise UserError(f"There is a user {name} already")


async def everybody(store: Connection) -> Sequence[asyncpg.Record]:
    """All principals, with their names and roles."""
    return await store.ask(SQL["all"])


async def give_token(store: Connection, name: str) -> str:
    """A new bearer token for a principal; only its hash is stored, so it is shown this once."""
    token, token_hash = new_token()
    if not await store.ask(SQL["add_token"], token_hash, name):
        raise UserError(f"There is no user {name}")
    return token


async def ensure_administrator(store: Connection, name: str, password: str | None) -> str | None:
    """Add the first administrator if there are no users yet.

    Without a password, or with an empty one, a password is generated and returned, to be shown
    once. Raises UserError.
    """
    if await everybody(store):
        return None
    _check_name(name)
    chosen = password or secrets.token_urlsafe(12)
    added = await store.ask(SQL["add_first"], name, hash_password(chosen), [SYSTEM_ADMINISTRATOR])
    return chosen if added and not password else None


def _check_name(name: str) -> None:
    # In Basic credentials, a colon ends the name.
    if not name or ":" in name or not name.isprintable():
        raise UserError("A name has at least one character, no colon and nothing unprintable")
    if len(name) > PRINCIPAL_NAME_LENGTH:
        raise UserError(f"A name has at most {PRINCIPAL_NAME_LENGTH} characters")
