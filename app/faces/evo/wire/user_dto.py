"""The answer DTOs about users and tokens; their members are those that the commands show."""

from datetime import datetime
from typing import Annotated, ClassVar

from msgspec import Meta

from app.codecs.dto import API_NAMESPACE, Dto, Secret

USERS_NAMESPACE = f"{API_NAMESPACE}.Users"

Name = Annotated[str, Meta(description="The name of the user")]
Label = Annotated[str, Meta(description="What the token is for")]
TokenId = Annotated[str, Meta(description="The ID of the token, which is no secret")]
End = Annotated[datetime | None, Meta(description="When the token ends; absent: never")]


class UserDetails(Dto, kw_only=True):
    """A user as administrators see it."""

    namespace: ClassVar[str] = USERS_NAMESPACE

    name: Name
    roles: Annotated[list[str], Meta(description="The roles of the user")]
    state: Annotated[str, Meta(description="`active`, `disabled` or `removed`")]
    associate_id: Annotated[int, Meta(description="The number of the user as an agent")]
    has_password: Annotated[bool, Meta(description="Whether it calls not only with tokens")]
    must_change_password: Annotated[
        bool, Meta(description="Whether it may do nothing before changing its password")
    ]
    tokens: Annotated[int, Meta(description="How many tokens it has")]
    created_by: Annotated[str, Meta(description="Who added the user")]
    created_at: Annotated[datetime, Meta(description="When the user was added")]
    modified_by: Annotated[str, Meta(description="Who changed the user last, or signed in")]
    modified_at: Annotated[datetime, Meta(description="When that was")]


class UserList(Dto, kw_only=True):
    """All users."""

    namespace: ClassVar[str] = USERS_NAMESPACE

    users: Annotated[list[UserDetails], Meta(description="In the order of their names")]


class SignInDetails(Dto, kw_only=True):
    """A sign-in without its secret, as its user sees it."""

    namespace: ClassVar[str] = USERS_NAMESPACE

    id: Annotated[str, Meta(description="The ID of the sign-in, which is no secret")]
    is_current: Annotated[bool, Meta(description="Whether it is the one of this very call")]
    signed_in_at: Annotated[datetime, Meta(description="When it was opened")]
    address: Annotated[
        str | None, Meta(description="The address that it was opened from; absent: unknown")
    ] = None
    auth_provider: Annotated[
        str | None, Meta(description="What it was opened by: `credentials` or `basic`")
    ] = None
    remember_me: Annotated[bool, Meta(description="Whether it outlasts the browser")]
    last_used_at: Annotated[
        datetime, Meta(description="When it was last used, within some minutes")
    ]
    expires_at: Annotated[datetime, Meta(description="When it ends at the latest")]


class SignInList(Dto, kw_only=True):
    """Sign-ins that have not ended."""

    namespace: ClassVar[str] = USERS_NAMESPACE

    sign_ins: Annotated[list[SignInDetails], Meta(description="The newest first")]


class TokenDetails(Dto, kw_only=True):
    """A token without its secret."""

    namespace: ClassVar[str] = USERS_NAMESPACE

    id: TokenId
    principal: Name
    label: Label
    issued_by: Annotated[str, Meta(description="Who asked for the token")]
    issued_at: Annotated[datetime, Meta(description="When that was")]
    expires_at: End = None
    last_used_at: Annotated[
        datetime | None, Meta(description="When it was last used, within some minutes")
    ] = None


class TokenList(Dto, kw_only=True):
    """Tokens that have not ended."""

    namespace: ClassVar[str] = USERS_NAMESPACE

    tokens: Annotated[list[TokenDetails], Meta(description="By user, the oldest first")]


class NewTokenInfo(Dto, kw_only=True):
    """A fresh token, shown once."""

    namespace: ClassVar[str] = USERS_NAMESPACE

    id: TokenId
    token: Annotated[Secret, Meta(description="The token, for `Authorization: Bearer`")]
    principal: Name
    label: Label
    expires_at: End = None
