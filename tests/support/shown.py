"""An AI session as an answer shows it, before it is written in a format."""

from datetime import UTC, datetime

from msgspec import UNSET, UnsetType

from app.faces.evo.wire.dto import AISessionActionInfo, AISessionInfo

NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
NOON_IN_TEXT = "2026-11-21T12:00:00.123456Z"


def session(
    *,
    account_id: str | None = None,
    account_name: str | None = None,
    purpose: str | None = None,
    actions: list[AISessionActionInfo] | UnsetType = UNSET,
) -> AISessionInfo:
    """Session `s1`, which `kim` created at noon and `lou` changed then."""
    return AISessionInfo(
        account_id=account_id,
        account_name=account_name,
        purpose=purpose,
        actions=actions,
        id="s1",
        date_created=NOON,
        date_last_modified=NOON,
        created_by="kim",
        last_modified_by="lou",
    )
