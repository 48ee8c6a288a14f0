"""Peer B: what most teams would write. One statement a request, history kept by a trigger.

Litestar's declarative handlers, asyncpg's pool as it comes. It is durable, but knows neither
expected versions nor idempotency keys, positions in commit order, encryption or rebuilding.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from litestar import Litestar, Request, get, patch, post
from litestar.datastructures import State
from litestar.exceptions import NotFoundException, ValidationException

from app.database.sql import blocks

from .credentials import authenticated
from .session_dto import ACCOUNT_ID, ACCOUNT_NAME, NewSession, PatchSession, SessionInfo

SQL = blocks(__file__)
DATABASE_URL = "BENCHMARK_DATABASE_URL"
"""Environment variable that names the database."""


@post("/ai/sessions")
async def create(data: NewSession, request: Request[str, Any, Any], state: State) -> SessionInfo:
    try:
        row = await state.pool.fetchrow(
            SQL["create"], uuid4(), data.account_id, data.purpose, request.user
        )
    except asyncpg.ForeignKeyViolationError as error:
        raise ValidationException("There is no such account") from error
    return _info(row)


@patch("/ai/sessions/{session_id:uuid}")
async def change(
    session_id: UUID, data: PatchSession, request: Request[str, Any, Any], state: State
) -> SessionInfo:
    row = await state.pool.fetchrow(SQL["change"], session_id, data.purpose, request.user)
    return _info(row)


@get("/ai/sessions/{session_id:uuid}")
async def read(session_id: UUID, state: State) -> SessionInfo:
    return _info(await state.pool.fetchrow(SQL["read"], session_id))


def _info(row: asyncpg.Record | None) -> SessionInfo:
    if row is None:
        raise NotFoundException
    return SessionInfo(
        id=str(row["id"]),
        account_id=row["account_id"],
        account_name=row["account_name"],
        purpose=row["purpose"],
        date_created=row["created_at"],
        date_last_modified=row["modified_at"],
        created_by=row["created_by"],
        last_modified_by=row["modified_by"],
    )


async def set_up(url: str) -> None:
    """Make the tables in an empty database, and the one account."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(SQL["schema"])
        await connection.execute(SQL["account"], ACCOUNT_ID, ACCOUNT_NAME)
    finally:
        await connection.close()


@asynccontextmanager
async def _connected(app: Litestar) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ[DATABASE_URL]) as pool:
        app.state.pool = pool
        yield


def create_app() -> Litestar:
    return Litestar(
        [create, change, read],
        guards=[authenticated],
        lifespan=[_connected],
        openapi_config=None,
    )
