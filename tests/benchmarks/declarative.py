"""Peer A: plain declarative Litestar handlers that authenticate and answer from memory.

It stores nothing, so it is the ceiling of what a handler in the usual shape can reach.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from litestar import Litestar, Request, get, patch, post
from litestar.exceptions import NotFoundException, ValidationException
from msgspec.structs import replace

from .credentials import authenticated
from .session_dto import ACCOUNT_ID, ACCOUNT_NAME, NewSession, PatchSession, SessionInfo

_SESSIONS: dict[str, SessionInfo] = {}
_ACCOUNTS = {ACCOUNT_ID: ACCOUNT_NAME}


@post("/ai/sessions")
async def create(data: NewSession, request: Request[str, Any, Any]) -> SessionInfo:
    account_name = None
    if data.account_id is not None:
        account_name = _ACCOUNTS.get(data.account_id)
        if account_name is None:
            raise ValidationException("There is no such account")
    now = datetime.now(UTC)
    session = SessionInfo(
        id=str(uuid4()),
        account_id=data.account_id,
        account_name=account_name,
        purpose=data.purpose,
        date_created=now,
        date_last_modified=now,
        created_by=request.user,
        last_modified_by=request.user,
    )
    _SESSIONS[session.id] = session
    return session


@patch("/ai/sessions/{session_id:str}")
async def change(
    session_id: str, data: PatchSession, request: Request[str, Any, Any]
) -> SessionInfo:
    session = _found(session_id)
    if data.purpose is not None:
        session = _SESSIONS[session_id] = replace(
            session,
            purpose=data.purpose,
            date_last_modified=datetime.now(UTC),
            last_modified_by=request.user,
        )
    return session


@get("/ai/sessions/{session_id:str}")
async def read(session_id: str) -> SessionInfo:
    return _found(session_id)


def _found(session_id: str) -> SessionInfo:
    session = _SESSIONS.get(session_id)
    if session is None:
        raise NotFoundException
    return session


def create_app() -> Litestar:
    return Litestar([create, change, read], guards=[authenticated], openapi_config=None)
