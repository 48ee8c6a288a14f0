"""The ServiceStack-style API in JSON: request DTOs in, info DTOs and ResponseStatus out.

Members are camelCase, in the order of the documents; null members are omitted.
"""

from datetime import datetime

import msgspec
from msgspec import Struct

from app.wire.json_text import decode
from domain.account import Account
from domain.ai_session import AISession
from domain.limits import AccountIdText, AccountName, AccountReference, Purpose
from projections.fold import Folded


class NewAISessionRequest(Struct, rename="camel"):
    """Body of `POST /ai/sessions`; nothing in it is required (Evo's documents)."""

    account_id: AccountReference | None = None
    purpose: Purpose | None = None


class PatchAISessionRequest(Struct, rename="camel"):
    """Body of `PATCH /ai/sessions/{sessionId}`: null and absent both mean no change."""

    session_id: str | None = None
    purpose: Purpose | None = None


class NewAccountRequest(Struct, rename="camel"):
    """Body of `POST /accounts`; without an id the service draws one."""

    name: AccountName
    id: AccountIdText | None = None


class PatchAccountRequest(Struct, rename="camel"):
    """Body of `PATCH /accounts/{accountId}`."""

    name: AccountName | None = None


class AISessionInfo(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A session as the API shows it; dates are ISO 8601 in UTC."""

    account_id: str | None = None
    account_name: str | None = None
    purpose: str | None = None
    id: str
    date_created: datetime
    date_last_modified: datetime
    created_by: str
    last_modified_by: str


class AccountInfo(Struct, rename="camel", kw_only=True):
    """An account as the API shows it."""

    name: str
    id: str
    date_created: datetime
    date_last_modified: datetime
    created_by: str
    last_modified_by: str


class ListResponse(Struct, rename="camel", kw_only=True):
    """Accounts, all of them or a page."""

    items: list[AccountInfo]
    has_more_pages: bool


class ResponseError(Struct, rename="camel"):
    """What is wrong with one member; `field_name` is PascalCase."""

    error_code: str
    field_name: str
    message: str


class ResponseStatus(Struct, rename="camel"):
    """Why a request was refused."""

    error_code: str
    message: str
    errors: list[ResponseError]


class ErrorResponse(Struct, rename="camel"):
    """Body of every answer that is no success."""

    response_status: ResponseStatus


_ENCODER = msgspec.json.Encoder()
_NEW_AI_SESSION = msgspec.json.Decoder(NewAISessionRequest)
_PATCH_AI_SESSION = msgspec.json.Decoder(PatchAISessionRequest)
_NEW_ACCOUNT = msgspec.json.Decoder(NewAccountRequest)
_PATCH_ACCOUNT = msgspec.json.Decoder(PatchAccountRequest)


def read_new_ai_session(body: bytes) -> NewAISessionRequest:
    """The request in a body; an empty one asks for a session without anything. Raises BadInput."""
    return decode(_NEW_AI_SESSION, body or b"{}")


def read_patch_ai_session(body: bytes) -> PatchAISessionRequest:
    """The request in a body; an empty one changes nothing. Raises BadInput."""
    return decode(_PATCH_AI_SESSION, body or b"{}")


def read_new_account(body: bytes) -> NewAccountRequest:
    """The request in a body. Raises BadInput."""
    return decode(_NEW_ACCOUNT, body or b"{}")


def read_patch_account(body: bytes) -> PatchAccountRequest:
    """The request in a body; an empty one changes nothing. Raises BadInput."""
    return decode(_PATCH_ACCOUNT, body or b"{}")


def write_ai_session(folded: Folded[AISession], account_name: str | None) -> bytes:
    """AISessionInfo of a session."""
    state, audit = folded.state, folded.audit
    return _ENCODER.encode(
        AISessionInfo(
            account_id=state.account_id,
            account_name=account_name,
            purpose=state.purpose,
            id=str(folded.stream),
            date_created=audit.created_at,
            date_last_modified=audit.modified_at,
            created_by=audit.created_by,
            last_modified_by=audit.modified_by,
        )
    )


def write_account(folded: Folded[Account]) -> bytes:
    """AccountInfo of an account."""
    return _ENCODER.encode(_account_info(folded))


def write_accounts(accounts: list[Folded[Account]], *, more: bool) -> bytes:
    """ListResponse of accounts; `more` says that others follow."""
    items = [_account_info(account) for account in accounts]
    return _ENCODER.encode(ListResponse(items=items, has_more_pages=more))


def write_error(code: str, message: str, field: str | None = None) -> bytes:
    """ErrorResponse; `field` is the wire name of the member at fault."""
    errors = []
    if field is not None:
        name = field[:1].upper() + field[1:]
        errors.append(ResponseError(error_code=code, field_name=name, message=message))
    status = ResponseStatus(error_code=code, message=message, errors=errors)
    return _ENCODER.encode(ErrorResponse(status))


def _account_info(folded: Folded[Account]) -> AccountInfo:
    audit = folded.audit
    return AccountInfo(
        name=folded.state.name,
        id=folded.state.account_id,
        date_created=audit.created_at,
        date_last_modified=audit.modified_at,
        created_by=audit.created_by,
        last_modified_by=audit.modified_by,
    )
