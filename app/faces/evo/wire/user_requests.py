"""The request DTOs about users and tokens. A change by cookie takes the caller's password again."""

from typing import Annotated

from msgspec import Meta

from app.codecs.dto import Dto, Secret

Name = Annotated[str | None, Meta(description="The name of the user")]
YourPassword = Annotated[
    Secret | None, Meta(description="Your own password: a cookie alone does not replace it")
]
Label = Annotated[str | None, Meta(description="What the token is for")]
Expires = Annotated[str | None, Meta(description="Such as `90d` (the default), a time, or `never`")]
Independent = Annotated[
    bool | None,
    Meta(description="Whether it goes on after the cookie or token it is asked for with"),
]
Roles = Annotated[list[str] | None, Meta(description="The roles of the user")]
NewPassword = Annotated[
    Secret | None, Meta(description="At least 12 characters, and not a common password")
]


class ListUsers(Dto, kw_only=True):
    """All users."""


class GetUser(Dto, kw_only=True):
    """A user."""

    name: Name = None


class UserChange(Dto, kw_only=True):
    """A change of one user."""

    name: Name = None
    your_password: YourPassword = None


class NewUser(UserChange, kw_only=True):
    """Add a user; without a password it calls with tokens only."""

    roles: Roles = None
    password: Annotated[
        Secret | None, Meta(description="The first password, which the user has to change")
    ] = None


class SetUserRoles(UserChange, kw_only=True):
    """Give a user these roles in place of those it has."""

    roles: Roles = None


class SetUserPassword(UserChange, kw_only=True):
    """Give a user another password, which the user has to change."""

    new_password: NewPassword = None


class DisableUser(UserChange, kw_only=True):
    """Shut a user out, and end its sign-ins and tokens."""


class EnableUser(UserChange, kw_only=True):
    """Let a disabled user in again."""


class RemoveUser(UserChange, kw_only=True):
    """Shut a user out for good; the name is never given again."""


class SignOutUser(UserChange, kw_only=True):
    """End all sign-ins and tokens of a user."""


class ListTokens(Dto, kw_only=True):
    """The tokens that have not ended, of one user or all."""

    user_name: Name = None


class NewToken(Dto, kw_only=True):
    """A new bearer token for a user."""

    user_name: Name = None
    password: YourPassword = None
    label: Label = None
    expires: Expires = None
    is_independent: Independent = None


class RevokeToken(Dto, kw_only=True):
    """End a token."""

    token_id: Annotated[str | None, Meta(description="The ID of the token")] = None
    your_password: YourPassword = None


class ListSignIns(Dto, kw_only=True):
    """Your own sign-ins that have not ended."""


class EndSignIn(Dto, kw_only=True):
    """End one of your own sign-ins, and the tokens that end with it."""

    sign_in_id: Annotated[str | None, Meta(description="The ID of the sign-in")] = None
    your_password: YourPassword = None


class EndSignIns(Dto, kw_only=True):
    """End all of your own sign-ins and tokens."""

    your_password: YourPassword = None


class ListOwnTokens(Dto, kw_only=True):
    """Your own tokens that have not ended."""


class RevokeOwnToken(RevokeToken, kw_only=True):
    """End one of your own tokens."""


class RequestAuthToken(Dto, kw_only=True):
    """A new bearer token for a user, alone in the answer."""

    user_id: Annotated[str | None, Meta(description="The ID of the user")] = None
    user_email_address: Annotated[
        str | None, Meta(description="The e-mail address of the user, where that is the name")
    ] = None
    password: YourPassword = None
    label: Label = None
    expires: Expires = None
    is_independent: Independent = None


class ChangePassword(Dto, kw_only=True):
    """Change your own password, which ends your sign-ins and tokens."""

    password: Annotated[Secret | None, Meta(description="Your present password")] = None
    new_password: NewPassword = None
