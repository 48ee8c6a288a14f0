"""The changes of PUT and PATCH as values, which are read before the session is loaded."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from msgspec import Struct

from app.codecs.json_text import BadInput
from app.faces.superoffice.wire.answer import owned_members
from app.faces.superoffice.wire.locale import Locale
from app.faces.superoffice.wire.patch import patched
from app.faces.superoffice.wire.patch_body import Patch
from domain.chat.fields import ChatSessionFields
from domain.errors import InvalidField


class Replacement(Struct, frozen=True):
    """An entity that replaces the one that was shown in a locale."""

    entity: ChatSessionFields
    locale: Locale

    def of(self, held: ChatSessionFields, *, sees_key: bool) -> ChatSessionFields:
        """The entity, with the held values wherever the client returned them as shown."""
        return self.locale.kept(self.entity, held)


class PatchChange(Struct, frozen=True, kw_only=True):
    """A patch of an entity that was shown in a locale, with rights and links."""

    patch: Patch
    locale: Locale
    api_url: str
    may_change: bool

    def of(self, held: ChatSessionFields, *, sees_key: bool) -> ChatSessionFields:
        """The session after the patch; a caller who may not see the key cannot test it either."""
        try:
            return patched(held, self.patch, self.locale, partial(self._owned, held, sees_key))
        except BadInput as error:
            # A domain error lets a retry find out whether the patch was applied the first time.
            raise InvalidField(error.field or "", str(error)) from error

    def _owned(self, held: ChatSessionFields, sees_key: bool) -> Mapping[str, Any]:
        return owned_members(
            held, may_change=self.may_change, sees_key=sees_key, api_url=self.api_url
        )
