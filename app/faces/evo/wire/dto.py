"""The answer DTOs. Documents, samples, generated types and bytes all derive from them.

Members are camelCase in JSON and JSV, PascalCase in XML and CSV. They keep the order of the class:
own members first, then those of the documented base class.
"""

from datetime import datetime
from typing import Annotated, ClassVar, Generic, TypeVar

from msgspec import UNSET, Meta, UnsetType

from app.codecs.dto import API_NAMESPACE, Dto, Secret

AI_NAMESPACE = "http://schemas.datacontract.org/2004/07/Voice.Api.AI"
TYPES_NAMESPACE = "http://schemas.servicestack.net/types"

T = TypeVar("T")


Id = Annotated[str, Meta(description="The ID of the object")]
DateCreated = Annotated[datetime, Meta(description="The date the object was created")]
DateLastModified = Annotated[datetime, Meta(description="The date the object was last modified")]
CreatedBy = Annotated[str, Meta(description="The user that created this object")]
LastModifiedBy = Annotated[str, Meta(description="The user that last modified this object")]


class EntityInfo(Dto, kw_only=True):
    """What every stored object shows of itself."""

    id: Id
    date_created: DateCreated
    date_last_modified: DateLastModified
    created_by: CreatedBy
    last_modified_by: LastModifiedBy


class AISessionActionInfo(Dto, kw_only=True):
    """A change that an AI back end proposes for a session."""

    namespace: ClassVar[str] = AI_NAMESPACE

    date: Annotated[datetime, Meta(description="The date the action was proposed")]
    id: Annotated[str, Meta(description="The ID of the action")]
    function_name: Annotated[str, Meta(description="The name of the function to call")]
    arguments: Annotated[str | None, Meta(description="The arguments of the function")] = None
    description: Annotated[str | None, Meta(description="What the action does")] = None
    can_be_applied: Annotated[
        bool, Meta(description="Whether applying the session applies this action")
    ]


class AISessionInfo(Dto, kw_only=True):
    """A session as the API shows it."""

    namespace: ClassVar[str] = AI_NAMESPACE
    base: ClassVar[type[Dto] | None] = EntityInfo

    account_id: Annotated[
        str | None, Meta(description="The ID of the account associated with this session")
    ] = None
    account_name: Annotated[
        str | None, Meta(description="The name of the account associated with this customer")
    ] = None
    purpose: Annotated[str | None, Meta(description="The purpose for this AI session")] = None
    # Absent without actions, as in the documents' samples, which are older than actions.
    actions: Annotated[
        list[AISessionActionInfo] | UnsetType,
        Meta(description="The actions that are proposed for this session"),
    ] = UNSET
    id: Id
    date_created: DateCreated
    date_last_modified: DateLastModified
    created_by: CreatedBy
    last_modified_by: LastModifiedBy


class AccountInfo(Dto, kw_only=True):
    """An account as the API shows it."""

    namespace: ClassVar[str] = f"{API_NAMESPACE}.Accounts"
    base: ClassVar[type[Dto] | None] = EntityInfo

    name: Annotated[str, Meta(description="The name of the account")]
    id: Id
    date_created: DateCreated
    date_last_modified: DateLastModified
    created_by: CreatedBy
    last_modified_by: LastModifiedBy


class ListResponse(Dto, Generic[T], kw_only=True):
    """One page of a list."""

    listed: ClassVar[str | None] = "items"

    items: Annotated[list[T], Meta(description="The items of this page")]
    total_count: Annotated[
        int | UnsetType, Meta(description="How many items there are on all pages")
    ] = UNSET
    total_pages: Annotated[int | UnsetType, Meta(description="How many pages there are")] = UNSET
    has_more_pages: Annotated[bool, Meta(description="Used with simplified paging")]


class UserInfo(Dto, kw_only=True):
    """Who calls, and what that principal may see."""

    id: Annotated[str | None, Meta(description="The ID of the user")] = None
    is_authenticated: Annotated[bool, Meta(description="Whether the caller is signed in")]
    name: Annotated[str | None, Meta(description="The name of the user")] = None
    email_address: Annotated[
        str | UnsetType, Meta(description="The name of the user, where it is an e-mail address")
    ] = UNSET
    roles: Annotated[list[str], Meta(description="The roles of the user")]
    account_ids: Annotated[list[str], Meta(description="The accounts that the user sees")]
    account_names: Annotated[list[str], Meta(description="The names of these accounts")]
    manager_access: Annotated[
        bool | UnsetType, Meta(description="Whether the user is a manager or an administrator")
    ] = UNSET
    dashboard_permissions: Annotated[
        list[str] | UnsetType, Meta(description="None: roles say what a user may do")
    ] = UNSET


class AuthTokenInfo(Dto, kw_only=True):
    """A bearer token, shown once."""

    auth_token: Annotated[Secret, Meta(description="The token, for `Authorization: Bearer`")]


class AuthenticateResponse(Dto, kw_only=True):
    """Who has signed in."""

    namespace: ClassVar[str] = TYPES_NAMESPACE
    xml_sorted: ClassVar[bool] = False

    user_id: Annotated[str | None, Meta(description="The ID of the user")] = None
    session_id: Annotated[
        str | None,
        Meta(description="What the session is called; its secret is in the cookies alone"),
    ] = None
    user_name: Annotated[str | None, Meta(description="The name that the user signs in by")] = None
    display_name: Annotated[str | None, Meta(description="The name to show")] = None
    roles: Annotated[list[str], Meta(description="The roles of the user")]
    permissions: Annotated[list[str], Meta(description="None: roles say what a user may do")]
    auth_provider: Annotated[
        str | None, Meta(description="What the user signed in by: `credentials` or `basic`")
    ] = None


class ResponseError(Dto, kw_only=True):
    """What is wrong with one member; `field_name` is PascalCase."""

    namespace: ClassVar[str] = TYPES_NAMESPACE
    xml_sorted: ClassVar[bool] = False

    error_code: str
    field_name: str | None = None
    message: str
    meta: dict[str, str] | None = None


class ResponseStatus(Dto, kw_only=True):
    """Why a request was refused."""

    namespace: ClassVar[str] = TYPES_NAMESPACE
    xml_sorted: ClassVar[bool] = False

    error_code: str
    message: str
    stack_trace: None = None
    errors: list[ResponseError]
    meta: dict[str, str] | None = None


class ErrorResponse(Dto, kw_only=True):
    """Body of every answer that is no success."""

    namespace: ClassVar[str] = TYPES_NAMESPACE

    response_status: ResponseStatus
