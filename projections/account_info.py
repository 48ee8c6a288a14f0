"""The view of accounts: one row for each account."""

from domain.account import Account, evolve
from projections.view import View

VIEW = View(
    name="account_info",
    kind="account",
    state=Account,
    evolve=evolve,
    gone=lambda _: False,
    session_id=lambda _, account: f"account:{account.account_id}",
)
