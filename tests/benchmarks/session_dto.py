"""The documents that both peers read and write: those of `POST /ai/sessions` and its answer."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

ACCOUNT_ID, ACCOUNT_NAME = "a1", "Acme"
Purpose = Annotated[str, Meta(max_length=65_536)]


class NewSession(Struct, rename="camel"):
    """Body of a creation."""

    account_id: str | None = None
    purpose: Purpose | None = None


class PatchSession(Struct, rename="camel"):
    """Body of a change; absent and null both mean no change."""

    purpose: Purpose | None = None


class SessionInfo(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A session as it is answered."""

    account_id: str | None = None
    account_name: str | None = None
    purpose: str | None = None
    id: str
    date_created: datetime
    date_last_modified: datetime
    created_by: str
    last_modified_by: str
