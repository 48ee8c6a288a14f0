"""Maps the service's state to the API's answer DTOs."""

from typing import TypeVar

from msgspec import UNSET

from app.codecs.member_names import pascal_case
from app.faces.evo.wire.dto import (
    AccountInfo,
    AISessionActionInfo,
    AISessionInfo,
    ErrorResponse,
    ListResponse,
    ResponseError,
    ResponseStatus,
)
from domain.account import Account
from domain.ai_session import AISession, SessionAction
from projections.fold import Folded

T = TypeVar("T")


def ai_session_info(folded: Folded[AISession], account_name: str | None) -> AISessionInfo:
    """The DTO of a session; `account_name` is the present one."""
    state, audit = folded.state, folded.audit
    return AISessionInfo(
        account_id=state.account_id,
        account_name=account_name,
        purpose=state.purpose,
        actions=[_action_info(action) for action in state.actions] if state.actions else UNSET,
        id=str(folded.stream),
        date_created=audit.created_at,
        date_last_modified=audit.modified_at,
        created_by=audit.created_by,
        last_modified_by=audit.modified_by,
    )


def account_info(folded: Folded[Account]) -> AccountInfo:
    """The DTO of an account."""
    audit = folded.audit
    return AccountInfo(
        name=folded.state.name,
        id=folded.state.account_id,
        date_created=audit.created_at,
        date_last_modified=audit.modified_at,
        created_by=audit.created_by,
        last_modified_by=audit.modified_by,
    )


def list_response(
    items: list[T], total: int | None, items_a_page: int, *, more: bool
) -> ListResponse[T]:
    """The DTO of one page; `total` is None with simplified paging, which does not count."""
    return ListResponse(
        items=items,
        total_count=UNSET if total is None else total,
        total_pages=UNSET if total is None else -(-total // items_a_page),
        has_more_pages=more,
    )


def error_response(
    code: str, message: str, field: str | None = None, index: int | None = None
) -> ErrorResponse:
    """The DTO of a refusal; `field` is the wire name of the member at fault.

    `index` is the number of the refused item in a batch, from 0.
    """
    errors = []
    if field is not None:
        name = pascal_case(field)
        errors.append(ResponseError(error_code=code, field_name=name, message=message))
    meta = None if index is None else {"AutoBatchIndex": str(index)}
    status = ResponseStatus(error_code=code, message=message, errors=errors, meta=meta)
    return ErrorResponse(response_status=status)


def _action_info(action: SessionAction) -> AISessionActionInfo:
    return AISessionActionInfo(
        date=action.proposed_at,
        id=action.action_id,
        function_name=action.function_name,
        arguments=action.arguments,
        description=action.description,
        can_be_applied=action.can_be_applied,
    )
