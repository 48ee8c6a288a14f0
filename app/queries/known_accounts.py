"""Which accounts there are: looked up once, since accounts are never deleted."""

from app.queries.views import Views
from domain.errors import AccountNotFound
from domain.ids import AccountId

_KEPT = 100_000


class KnownAccounts:
    """Accounts that one worker process has met."""

    def __init__(self, views: Views) -> None:
        """None was met yet."""
        self._views = views
        self._known: set[str] = set()

    async def require(self, account: str) -> None:
        """Raise AccountNotFound unless the account exists.

        What is remembered may be of a log that another took the place of: the append looks again.
        """
        if account in self._known:
            return
        if "\0" in account or await self._views.account_name(AccountId(account)) is None:
            raise AccountNotFound(account)
        if len(self._known) < _KEPT:
            self._known.add(account)

    def forget(self) -> None:
        """Know none any longer: another log took the place of the one that they are of."""
        self._known.clear()
