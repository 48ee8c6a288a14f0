"""Remembers existing accounts: one look-up each, since accounts are never deleted."""

from app.queries.views import Views
from domain.errors import AccountNotFound
from domain.ids import AccountId

_KEPT = 100_000


class KnownAccounts:
    """The accounts that one worker process has seen."""

    def __init__(self, views: Views) -> None:
        """Starts without accounts."""
        self._views = views
        self._known: set[str] = set()

    async def require(self, account: str) -> None:
        """Raise AccountNotFound unless the account exists.

        A remembered account may be of a log that was replaced since: so the append checks again.
        """
        if account in self._known:
            return
        if "\0" in account or await self._views.account_name(AccountId(account)) is None:
            raise AccountNotFound(account)
        if len(self._known) < _KEPT:
            self._known.add(account)

    def forget(self) -> None:
        """Forget all accounts, since another log took the place of theirs."""
        self._known.clear()
