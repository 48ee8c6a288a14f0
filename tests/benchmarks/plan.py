"""The plan to 10⁹ sessions: what a log of so many takes, computed from measured figures.

`plan_measured` measures them, `plan_limits` says what breaks first, and `plan_table` tells it all.
"""

import math
from collections.abc import Mapping

from msgspec import Struct

from app.settings import MAX_PARTITIONS

# What is assumed, and may be read off another machine's data sheet.
YEARS = 3
"""In which the sessions come, evenly."""
PEAK = 10
"""Times the mean rate, for hours."""
DISK_BYTES = 2.8e12
"""Of a server, that its data may take: of 4 TB, the rest is for rebuilds beside live tables."""
MEMORY_BYTES = 96e9
"""Of a server, that keep pages of its data."""
JOBS = 8
"""Of a rebuild, on 16 processors: each keeps one of PostgreSQL's busy, too."""
COPIED_PER_S = 300e6
"""Bytes that go from one server to another, or from a table into a backup."""
MOVED_BYTES = 100e9
"""Of a partition: to move it takes minutes, for which writes to it wait."""

# What was measured elsewhere.
APPENDED_PER_S = 26_645
"""Events of one partition on two processors, 64 callers. (RESULTS.md, "Store, with views")"""
SORTED_S_PER_CHAT = 0.82e-6
"""A list of chats in an order without an index. (RESULTS.md, "Lists as of a past instant", at the
peer of "50 chats by registeredDate desc")"""
COUNTED_S_PER_AI_SESSION = 85e-9
"""A list of AI sessions with their number. (The same, "25 newest AI sessions, all counted")"""
CHATS = 0.5
"""Of the sessions that are measured."""
LIST_S = 8.0
"""A list that takes longer is refused. (`list_deadline_s`)"""

FOLLOWER_SHARE = 0.25
"""Of a busy worker's time, for a follower. (`follower_share`)"""

# PostgreSQL's own limits.
PAGE_BYTES = 8192
TABLE_BYTES = 2**32 * PAGE_BYTES
INT32 = 2**31 - 1
TRANSACTIONS = 5
"""Of an event at most: its own, and one of each follower, where none shares a batch."""
FREEZE_AGE = 200_000_000
"""`autovacuum_freeze_max_age`: transactions after which a table is read whole, at the latest."""
HASH_BYTES = 32
HASHES_PER_TILE = 256
RANDOM = (
    "stored_events_pkey", "stream_key_pkey", "idempotency_key_pkey",
    "chat_session_entity_partition_stream_id_idx", "chat_session_entity_history_pkey",
)  # fmt: skip
"""Indexes that an append touches anywhere: ids of chats and keys of retries have no order. All
other indexes of the log grow at their end."""
DAY_S = 86_400.0


class Relation(Struct, frozen=True, kw_only=True):
    """A table or an index."""

    table: str
    is_index: bool
    bytes: float
    """Of one session."""
    rows: float
    """The same; entries of an index."""


class Figures(Struct, frozen=True, kw_only=True):
    """What one session takes, on the average of AI sessions and chats."""

    measured: str
    """When, and on which machine."""
    sessions: tuple[int, int]
    """Of the two logs whose difference this is."""
    events: float
    messages: float
    relations: Mapping[str, Relation]
    wal_bytes_per_event: float
    cpu_us_per_event: Mapping[str, float]
    """Processor time of all processes, by the work: `append`, followers, commands."""
    rotate_us_per_stream: float
    file_bytes: Mapping[str, float]
    """Of an export and of a backup, compressed."""

    def bytes_of(self, *tables: str, indexes: bool | None = None) -> float:
        """Of the tables with such beginnings of their names; all without any."""
        return sum(
            each.bytes
            for each in self.relations.values()
            if each.table.startswith(tables or "") and indexes in (None, each.is_index)
        )

    def largest(self, *, is_index: bool) -> tuple[str, Relation]:
        """The largest table, or index."""
        found = {name: each for name, each in self.relations.items() if each.is_index == is_index}
        return max(found.items(), key=lambda each: each[1].bytes)

    def cpu_s(self, *works: str) -> float:
        """Processor seconds that works take for one session."""
        return sum(self.cpu_us_per_event[work] for work in works) * self.events / 1e6


FOLLOWERS = ("history", "activity", "people", "tree")
VIEWS = ("ai_session_info", "chat_session_entity")
HISTORIES = tuple(f"{view}_history" for view in VIEWS)
INDEX_OF_EVENTS = ("event_index", "activity", "person_term")


class Plan(Struct, frozen=True):
    """A log of so many sessions."""

    figures: Figures
    sessions: int

    @property
    def events(self) -> float:
        """Of all sessions."""
        return self.sessions * self.figures.events

    @property
    def bytes(self) -> float:
        """Of all tables and indexes."""
        return self.sessions * self.figures.bytes_of()

    @property
    def servers(self) -> int:
        """With the data; standbys and the coordinator come on top."""
        return math.ceil(self.bytes / DISK_BYTES)

    @property
    def partitions(self) -> int:
        """A power of two, so many that one can be moved within minutes, if there may be as many."""
        wanted = max(self.servers, self.bytes / MOVED_BYTES)
        return min(2 ** math.ceil(math.log2(wanted)), MAX_PARTITIONS) if wanted > 1 else 1

    @property
    def per_s(self) -> float:
        """Events, on the mean."""
        return self.events / (YEARS * 365 * DAY_S)

    def of(self, *tables: str, indexes: bool | None = None) -> float:
        """Bytes of tables."""
        return self.sessions * self.figures.bytes_of(*tables, indexes=indexes)

    def took_s(self, *works: str) -> float:
        """Seconds of works that one process does, one after another."""
        return self.sessions * self.figures.cpu_s(*works)

    @property
    def backup_s(self) -> float:
        """Of PostgreSQL's own dump: it reads everything, one table after another."""
        return max(self.took_s("backup"), self.bytes / COPIED_PER_S)

    @property
    def rotate_s(self) -> float:
        """Of a change of the master key."""
        return self.sessions * self.figures.rotate_us_per_stream / 1e6

    @property
    def moved_s(self) -> float:
        """For which writes to a partition wait while it moves."""
        return self.bytes / self.partitions / COPIED_PER_S

    @property
    def scattered_bytes(self) -> float:
        """Of the indexes that appends touch anywhere."""
        return self.sessions * sum(self.figures.relations[name].bytes for name in RANDOM)

    def file_bytes(self, name: str) -> float:
        """Of a backup or an export."""
        return self.sessions * self.figures.file_bytes[name]

    def freeze_s(self, times: float) -> float:
        """Until transactions have the age at which tables are frozen, at so many times the mean."""
        return FREEZE_AGE / (self.per_s * times * TRANSACTIONS)

    def busy(self, *works: str) -> float:
        """Processors that works keep busy at the peak."""
        return self.per_s * PEAK * sum(self.figures.cpu_us_per_event[work] for work in works) / 1e6


def depth(index: Relation, sessions: float) -> int:
    """Levels of a B-tree, if its inner pages hold as many entries as its leaves."""
    pages = index.bytes * sessions / PAGE_BYTES
    if pages <= 1:
        return 1
    entries_per_page = index.rows / index.bytes * PAGE_BYTES
    return 1 + math.ceil(math.log(pages) / math.log(entries_per_page))


def proof_hashes(events: float) -> int:
    """Of a proof of inclusion in a tree of so many leaves, at most."""
    return math.ceil(math.log2(events)) if events > 1 else 0


def scattered(figures: Figures) -> float:
    """Bytes a session of the indexes that appends touch anywhere."""
    return sum(figures.relations[name].bytes for name in RANDOM)
