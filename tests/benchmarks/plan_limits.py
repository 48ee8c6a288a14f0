"""What breaks first as a log grows, with the number of sessions at which it does."""

from collections.abc import Sequence

from msgspec import Struct

from app.settings import MAX_PARTITIONS

from .plan import (
    APPENDED_PER_S,
    CHATS,
    COPIED_PER_S,
    COUNTED_S_PER_AI_SESSION,
    DAY_S,
    DISK_BYTES,
    FOLLOWER_SHARE,
    INT32,
    JOBS,
    LIST_S,
    MEMORY_BYTES,
    MOVED_BYTES,
    PEAK,
    SORTED_S_PER_CHAT,
    TABLE_BYTES,
    Figures,
    Plan,
)


class Limit(Struct, frozen=True):
    """Something that a log outgrows."""

    sessions: float
    """At about so many."""
    what: str
    then: str
    """What helps."""


def limits(figures: Figures) -> Sequence[Limit]:
    """All of them, in the order in which a growing log comes to them."""
    found = [*_lists(), *_of_bytes(figures), *_of_times(figures), *_of_numbers(figures),
             *_of_rates(figures)]  # fmt: skip
    return sorted(found, key=lambda limit: limit.sessions)


def _lists() -> Sequence[Limit]:
    return [
        Limit(
            LIST_S / SORTED_S_PER_CHAT / CHATS,
            f"A list of all chats in an order that no index has takes more than {LIST_S:g} s: 400",
            "filter by status, person, company or time of request, or order by number or that time",
        ),
        Limit(
            LIST_S / COUNTED_S_PER_AI_SESSION / (1 - CHATS),
            f"A list that counts all AI sessions takes more than {LIST_S:g} s: 400",
            "ask for an account's, or leave out the number of all",
        ),
    ]


def _of_bytes(figures: Figures) -> Sequence[Limit]:
    one = Plan(figures, 1)
    table, largest = figures.largest(is_index=False)
    return [
        Limit(
            MEMORY_BYTES / one.scattered_bytes,
            "The indexes that appends touch anywhere outgrow a server's memory: a command on a "
            "chat reads pages from the disk, and after a checkpoint each goes whole into the WAL",
            "memory, checkpoints further apart (`max_wal_size`), or more servers",
        ),
        Limit(
            DISK_BYTES / one.bytes,
            "A server's disk is full",
            "larger disks; or a distributed log, which is fixed when it is made: a plain one goes "
            "into it by `export` and `import`. [Not all is tried there](#distributed-tables-citus)",
        ),
        Limit(
            MOVED_BYTES * MAX_PARTITIONS / one.bytes,
            f"Also with {MAX_PARTITIONS} partitions, writes to one wait longer than "
            f"{MOVED_BYTES / COPIED_PER_S / 60:.0f} minutes while it moves",
            "move one after another, at night",
        ),
        Limit(
            DISK_BYTES * MAX_PARTITIONS / one.bytes,
            f"{MAX_PARTITIONS} servers, of one partition each, are full",
            "larger disks, or a second log for new accounts",
        ),
        Limit(
            TABLE_BYTES / largest.bytes,
            f"On one server, `{table}` comes to the 32 TiB that a table can have",
            "none: disks that large are slow to restore, so it has long been distributed",
        ),
    ]


def _of_times(figures: Figures) -> Sequence[Limit]:
    one = Plan(figures, 1)
    return [
        Limit(
            DAY_S / one.took_s("restore"),
            "`restore` takes a day",
            "standbys under Patroni, which take over within half a minute; and PostgreSQL's base "
            "backups with archived WAL, which copy files (they keep what is erased later)",
        ),
        Limit(
            DAY_S / one.backup_s,
            "`backup` takes a day",
            "base backups with archived WAL, as for `restore`",
        ),
        Limit(
            DAY_S / one.took_s("verify"),
            "`verify` takes a day",
            "`verify --since` where the last one ended; the whole on a standby, now and then",
        ),
        Limit(
            DAY_S / one.took_s("history"),
            "`rebuild history` takes a day",
            "nothing: lists as of the past use the old tables meanwhile, and a killed one goes on",
        ),
        Limit(
            DAY_S * JOBS / one.took_s("rebuild"),
            f"`rebuild` of the views with {JOBS} jobs takes a day",
            "more processors and jobs; commands and lists go on, and a killed rebuild goes on, too",
        ),
        Limit(
            DAY_S / one.rotate_s,
            "`keys rotate` takes a day",
            "nothing: both keys open the log meanwhile. (After a leak, all is down for so long)",
        ),
    ]


def _of_numbers(figures: Figures) -> Sequence[Limit]:
    return [
        Limit(
            INT32 / figures.messages,
            "The numbers of messages are used up, which are int32 in the API: a message is a 409",
            "a second log for new customers; `verify`, the log and a metric warn from 90 % on",
        ),
        Limit(
            INT32 / CHATS,
            "The numbers of chats are used up",
            "a second log, as for messages",
        ),
    ]


def _of_rates(figures: Figures) -> Sequence[Limit]:
    one = Plan(figures, 1)
    followed_per_s = FOLLOWER_SHARE * 1e6 / figures.cpu_us_per_event["history"]
    return [
        Limit(
            followed_per_s / PEAK / one.per_s,
            f"At the peak, {followed_per_s:,.0f} events a second come: the follower of histories, "
            "which takes a quarter of a busy worker, lags",
            "nothing, if the mean is below: it catches up. Only lists as of the past wait for it",
        ),
        Limit(
            APPENDED_PER_S / PEAK / one.per_s,
            f"At the peak, {APPENDED_PER_S:,} events a second come: one partition takes no more",
            "partitions on several servers",
        ),
        Limit(
            one.freeze_s(PEAK) / DAY_S,
            "At the peak, tables are due to be frozen each day",
            "`autovacuum_freeze_max_age` of 1 billion; pages that are frozen are passed over",
        ),
    ]
