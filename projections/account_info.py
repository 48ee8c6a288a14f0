"""The view of accounts: one row for each account."""

from domain.account import Account, evolve
from projections.view import View

VIEW = View(
    projection="account_info",
    version=1,
    kind="account",
    state=Account,
    evolve=evolve,
    gone=lambda _: False,
    session_id=lambda _, account: f"account:{account.account_id}",
)
