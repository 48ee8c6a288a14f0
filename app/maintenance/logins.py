"""The two logins to a database: the owner's, and the service's, which can do no more than serve."""

from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

import asyncpg

from app.database import rights
from app.database.embedded import service_url as embedded_service_url
from app.database.scram import verifier
from app.maintenance.store import (
    Connection,
    DataLocation,
    NotReachable,
    connected,
)
from app.maintenance.urls import UnusableDatabase, in_the_clear, with_password
from app.settings import SERVICE_ROLE


class OwnerLogin(UnusableDatabase):
    """The service would log in as somebody who could change the log other than by an append."""


def service_url(where: DataLocation) -> str:
    """The URL that the service's connections log in by. Raises UnusableDatabase."""
    if where.embedded:
        return embedded_service_url(where.data_dir)
    if where.database_url is None:
        raise UnusableDatabase("The service needs a login of its own: name it by --database-url")
    return with_password(where.database_url, where.database_password_file, where.database_password)


def warnings_of(where: DataLocation) -> Sequence[str]:
    """What others could listen to on the way to the database, in sentences."""
    given = (url for url in (where.owner_url, where.database_url) if url is not None)
    return list(dict.fromkeys(filter(None, map(in_the_clear, given))))


async def admit_service(store: Connection, where: DataLocation) -> bool:
    """Let the role of the service log in, if its URL names it and it does not get in.

    It gets the password of that URL. Other logins are the operator's affair. `store` is the
    owner's; returns whether anything was changed. Raises asyncpg's errors if the owner may not.
    """
    if where.database_url is None and not where.embedded:
        return False
    url = service_url(where)
    parts = urlsplit(url)
    if unquote(parts.username or "") != SERVICE_ROLE:
        return False
    if not await _is_kept_out(url, where.statement_cache):
        return False
    password = parts.password and verifier(unquote(parts.password))
    await rights.let_log_in(store.raw, password)
    return True


async def _is_kept_out(url: str, statement_cache: int) -> bool:
    try:
        async with connected(url, statement_cache, looks=True):
            return False
    except NotReachable as error:
        # (Also where a pgbouncer is not up yet: then this is not the moment to judge a login.)
        return isinstance(error.__cause__, asyncpg.InvalidAuthorizationSpecificationError)


async def beyond_service(where: DataLocation) -> tuple[str | None, Sequence[str]]:
    """The service's login, and its rights that nobody needs to serve, in words.

    Raises UnusableDatabase, UnusableFile, or NotReachable.
    """
    async with connected(service_url(where), where.statement_cache, looks=True) as store:
        return await rights.beyond_service(store.raw)


async def require_boundary(where: DataLocation) -> None:
    """Raise OwnerLogin if the service's login could do more than serve, unless that is allowed."""
    if where.allow_owner_login:
        return
    login, found = await beyond_service(where)
    if found:
        raise OwnerLogin(
            f"The service would log in as {login}, which could change the log past its guards: "
            f"it {', it '.join(found)}. Give --database-url a login that only has the role "
            f"{SERVICE_ROLE}, or is it, and --owner-url this one; or say --allow-owner-login"
        )
