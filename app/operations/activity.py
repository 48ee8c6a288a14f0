"""What went on for each account and day, as the follower `activity` has counted it."""

from datetime import date

from msgspec import Struct

from app.database.sql import blocks
from app.log.read import Asks

SQL = blocks(__file__)
MAX_ROWS = 10_000


class TooManyRows(Exception):
    """More accounts and days than one answer shows."""


class Day(Struct, frozen=True, kw_only=True, rename="camel"):
    """One account on one day."""

    account_id: str | None
    """None: sessions without an account, such as all chats."""
    day: date
    """UTC."""
    opened: int
    changed: int
    """Changes, not sessions."""
    closed: int
    actors: int
    """How many different ones did these."""


class Activity(Struct, frozen=True, kw_only=True, rename="camel"):
    """The days, newest first, and how much of the log is counted."""

    activity: list[Day]
    up_to: dict[str, int]
    """For each partition, the position up to which events are counted."""
    lag_events: int
    """Later ones that are not."""
    quarantined: int
    """Sessions of which later events wait in quarantine, and are not counted."""


async def activity(
    store: Asks, *, first: date | None, last: date | None, account: str | None
) -> Activity:
    """The days from `first` to `last`; `account`: of this one alone, '' for sessions without one.

    Raises TooManyRows, StoreDown.
    """
    # (First, so that what is told to be counted is.)
    ends = await store.ask(SQL["reached"])
    rows = await store.ask(SQL["activity"], first, last, account, MAX_ROWS + 1)
    if len(rows) > MAX_ROWS:
        raise TooManyRows
    (waiting,) = await store.ask(SQL["waiting"])
    return Activity(
        activity=[
            Day(
                account_id=row["account_id"] or None,
                day=row["day"],
                opened=row["opened"],
                changed=row["changed"],
                closed=row["closed"],
                actors=row["actors"],
            )
            for row in rows
        ],
        up_to={str(row["partition"]): row["position"] for row in ends},
        lag_events=sum(row["head"] - row["position"] for row in ends),
        quarantined=waiting["streams"],
    )
