"""The request DTOs of the documented operations. No member is required unless marked so."""

from enum import StrEnum
from typing import Annotated, ClassVar

from msgspec import Meta

from app.codecs.dto import Dto, Secret
from app.faces.evo.wire.dto import AI_NAMESPACE, TYPES_NAMESPACE
from domain.limits import (
    ACCOUNT_NAME_LENGTH,
    AccountIdText,
    AccountName,
    AccountReference,
    ActionText,
    FunctionName,
    Purpose,
)

LISTED_IDS = 1_000
"""Maximum number of ids in the filter of a list."""
ITEMS_PER_PAGE = 25
"""Size of a page if `countPerPage` is absent (as in Evo's own command line) or 0.

Typed clients also send members without a value: .NET's clients send all numbers, as 0.
"""
MAX_ITEMS_PER_PAGE = 10_000
"""Size of a page if `countPerPage` asks for more, or `all` for everything."""

# A limit belongs to the type itself: msgspec accepts none for numbers in a union with None.
PageNumber = Annotated[int, Meta(ge=0)]
PageSize = Annotated[int, Meta(ge=0)]
NamePart = Annotated[str, Meta(max_length=ACCOUNT_NAME_LENGTH)]
ListedIds = Annotated[list[str], Meta(max_length=LISTED_IDS)]
SessionId = Annotated[str | None, Meta(description="The ID of the session")]


class SortOrder(StrEnum):
    """Which end of a list comes first."""

    ASCEND = "Ascend"
    DESCEND = "Descend"

    @classmethod
    def _missing_(cls, value: object) -> "SortOrder | None":
        """The member with a name in any case, as ServiceStack reads enumerations."""
        return next((each for each in cls if each.lower() == str(value).lower()), None)


class ListRequest(Dto, kw_only=True):
    """Which page of a list, and in which order."""

    page: Annotated[PageNumber | None, Meta(description="The page, from 0")] = None
    all: Annotated[bool | None, Meta(description="Everything on one page")] = None
    count_per_page: Annotated[
        PageSize | None, Meta(description=f"The items of a page; 0: {ITEMS_PER_PAGE}")
    ] = None
    specific_ids: Annotated[ListedIds | None, Meta(description="Only the items with these IDs")] = (
        None
    )
    sort_field: Annotated[str | None, Meta(description="The member to sort by")] = None
    sort_order: Annotated[SortOrder | None, Meta(description="The direction to sort in")] = None
    simplified_paging: Annotated[
        bool | None,
        Meta(
            description="Disables total and page counts. If there is no more data, "
            "Items will be an empty array"
        ),
    ] = None


class NewAISession(Dto, kw_only=True):
    """Creates a new session."""

    namespace: ClassVar[str] = AI_NAMESPACE

    account_id: Annotated[
        AccountReference | None, Meta(description="The account ID to associate this session with")
    ] = None
    purpose: Annotated[Purpose | None, Meta(description="The purpose for this session")] = None


class GetAISession(Dto, kw_only=True):
    """Get the specified session."""

    namespace: ClassVar[str] = AI_NAMESPACE

    session_id: SessionId = None


class PatchAISession(Dto, kw_only=True):
    """Update a specific session."""

    namespace: ClassVar[str] = AI_NAMESPACE

    session_id: Annotated[
        str | None, Meta(description="The ID of the session you want to update")
    ] = None
    purpose: Annotated[Purpose | None, Meta(description="The purpose of this session")] = None


class DeleteAISession(Dto, kw_only=True):
    """Delete the specified session."""

    namespace: ClassVar[str] = AI_NAMESPACE

    session_id: SessionId = None


class ListAISessions(ListRequest, kw_only=True):
    """List sessions."""

    namespace: ClassVar[str] = AI_NAMESPACE
    base: ClassVar[type[Dto] | None] = ListRequest

    account_ids: Annotated[
        ListedIds | None, Meta(description="Only the sessions of these accounts")
    ] = None


class NewAISessionAction(Dto, kw_only=True):
    """Propose an action on the specified session."""

    namespace: ClassVar[str] = AI_NAMESPACE

    session_id: SessionId = None
    function_name: Annotated[
        FunctionName | None,
        Meta(description="The name of the function to call", extra={"required": True}),
    ] = None
    arguments: Annotated[ActionText | None, Meta(description="The arguments of the function")] = (
        None
    )
    description: Annotated[ActionText | None, Meta(description="What the action does")] = None
    can_be_applied: Annotated[
        bool | None, Meta(description="Whether applying the session applies this action")
    ] = None


class ApplyAISession(Dto, kw_only=True):
    """Applies all changes for the specified session."""

    namespace: ClassVar[str] = AI_NAMESPACE

    session_id: SessionId = None


class ClearAISessionActions(Dto, kw_only=True):
    """Delete all actions in the specified session."""

    namespace: ClassVar[str] = AI_NAMESPACE

    session_id: SessionId = None


class DeleteAISessionAction(Dto, kw_only=True):
    """Delete the specified session action."""

    namespace: ClassVar[str] = AI_NAMESPACE

    session_id: SessionId = None
    action_id: Annotated[str | None, Meta(description="The ID of the action")] = None


class ListAccounts(ListRequest, kw_only=True):
    """List accounts."""

    base: ClassVar[type[Dto] | None] = ListRequest

    name_filter: Annotated[
        NamePart | None, Meta(description="Only accounts whose name contains this text")
    ] = None


class GetAccount(Dto, kw_only=True):
    """Get the specified account."""

    account_id: Annotated[str | None, Meta(description="The ID of the account")] = None


class NewAccount(Dto, kw_only=True):
    """Creates a new account."""

    id: Annotated[AccountIdText | None, Meta(description="The ID; without one it is drawn")] = None
    name: Annotated[
        AccountName | None, Meta(description="The name of the account", extra={"required": True})
    ] = None


class PatchAccount(Dto, kw_only=True):
    """Update a specific account."""

    account_id: Annotated[str | None, Meta(description="The ID of the account")] = None
    name: Annotated[AccountName | None, Meta(description="The name of the account")] = None


class Authenticate(Dto, kw_only=True):
    """Sign in, or out with the provider `logout`."""

    namespace: ClassVar[str] = TYPES_NAMESPACE
    xml_sorted: ClassVar[bool] = False

    provider: Annotated[str | None, Meta(description="`credentials`, `basic`, or `logout`")] = None
    user_name: Annotated[str | None, Meta(description="The name of the user")] = None
    password: Annotated[Secret | None, Meta(description="The password of the user")] = None
    remember_me: Annotated[
        bool | None, Meta(description="Whether to stay signed in when the browser is closed")
    ] = None


class GetAuthStatus(Dto, kw_only=True):
    """Who is signed in."""
