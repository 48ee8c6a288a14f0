"""Checks of the server that the log is on: release, disk, and what keeps its tables small."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import migrations
from app.database.sql import blocks
from app.integrity import minors
from app.maintenance.store import Connection

SQL = blocks(__file__)
FEW_BYTES = 2 * 2**30
FEW_PART = 0.1
"""A disk with less room than either should be looked after."""
NO_BYTES = 256 * 2**20
"""A disk with less room is about to be full."""
_DUE_TIMES = 1.5
"""So far beyond the age at which the server begins to freeze, something keeps it from that."""
_DEAD_ROWS, _DEAD_PART = 50_000, 0.2
_BLOAT_BYTES, _BLOAT_PART = 64 * 2**20, 0.5
_INDEX = re.compile(
    r"^CREATE (?P<unique>UNIQUE )?INDEX (?:\w+ )?ON (?P<table>\w+)\s+(?P<shape>\([^;]*);",
    re.MULTILINE,
)
_NOISE = re.compile(r"::\w+|[\s()\"]+")
"""The parts in which PostgreSQL writes the same index otherwise than a migration."""


def minor_in_words(major: int, minor: int, *, embedded: bool) -> str | None:
    """What is known against the server's release; None: nothing."""
    found = minors.holes(major, minor)
    if found is None:
        return None
    holes, fixed = found
    told = f"PostgreSQL {major}.{minor} has known holes: {holes}"
    if embedded:
        return (
            f"{told}. The embedded server lags behind: it is for one machine and for trying out, "
            f"where nobody but this account reaches it. Elsewhere bring a {major}.{fixed}"
        )
    return f"{told}. Upgrade to {major}.{fixed}, and reindex where its release notes say so"


def room_in_words(folder: Path) -> tuple[int, str]:
    """Free bytes of a folder's disk, and a sentence on them. Raises OSError."""
    disk = shutil.disk_usage(folder)
    share = disk.free / disk.total
    return disk.free, f"{_size(disk.free)} free ({share:.0%}) on the disk of {folder}"


def is_scarce(folder: Path) -> bool:
    """Whether its disk should be looked after. Raises OSError."""
    disk = shutil.disk_usage(folder)
    return disk.free < FEW_BYTES or disk.free < FEW_PART * disk.total


def standbys_in_words(names: str, level: str, *, hosts: int) -> tuple[bool, str]:
    """Whether commits wait as they should, and a sentence on it.

    `names`, `level`: the settings synchronous_standby_names and synchronous_commit; `hosts`: how
    many the database's URL names.
    """
    if names and level not in ("local", "off"):
        return True, f"Commits wait for standbys: {names}"
    if hosts == 1:
        return True, "Commits wait for no standby, and the URL names none"
    return False, (
        f"The URL names {hosts} hosts, but commits wait for no standby: one that takes over may "
        "lack acknowledged commands. Set synchronous_standby_names (Patroni: synchronous_mode)"
    )


async def size(store: Connection) -> str:
    """The size of the database, for people."""
    return _size((await store.ask(SQL["size"]))[0]["bytes"])


async def vacuum_off(store: Connection, tables: list[str]) -> list[str]:
    """The ways in which the server does not clean up after us, in sentences."""
    (row,) = await store.ask(SQL["vacuum"], tables)
    off = [name for name, on in (("autovacuum", row["is_on"]), ("track_counts", row["counts"]))
           if not on]  # fmt: skip
    found = [f"{name} is off: tables grow without end. Switch it on" for name in off]
    return found + [
        f"Autovacuum is off for {name}: as its owner, RESET (autovacuum_enabled) of the table"
        for name in row["passed_over"]
    ]


async def ages(store: Connection) -> tuple[list[str], list[str]]:
    """Ids that run out, in sentences: soon, and later."""
    urgent, late = [], []
    for row in await store.ask(SQL["ages"]):
        told = (
            f"The oldest {row['kind']} id is {row['age']:,} old, beyond {row['due']:,}: VACUUM "
            "cannot freeze it. Look for old transactions, prepared transactions and replication "
            "slots; near 2,000,000,000 the server takes no more writes"
        )
        if row["age"] > row["urgent"]:
            urgent.append(told)
        elif row["age"] > _DUE_TIMES * row["due"]:
            late.append(told)
    return urgent, late


async def bloat(store: Connection, tables: list[str]) -> list[str]:
    """The tables that hold much more than their rows, in sentences."""
    found = []
    for row in await store.ask(SQL["bloat"], tables):
        dead, rows = row["dead"], row["dead"] + row["live"]
        if dead > _DEAD_ROWS and dead > _DEAD_PART * rows:
            found.append(
                f"{row['name']} has {dead:,} dead rows among {rows:,}: an old transaction may keep "
                f"them (`sessionary stuck`), else VACUUM {row['name']}"
            )
        if row["bloat"] > _BLOAT_BYTES and row["bloat"] > _BLOAT_PART * row["bytes"]:
            found.append(
                f"{row['name']} takes {_size(row['bytes'])}, of which some {_size(row['bloat'])} "
                "hold nothing: a view shrinks by `sessionary rebuild`, others by VACUUM FULL"
            )
    return found


async def missing_indexes(store: Connection, tables: list[str]) -> list[str]:
    """The indexes that migrations made and that are gone, in sentences."""
    there = {
        (row["table_name"], row["is_unique"], _shape(row["shape"]))
        for row in await store.ask(SQL["indexes"], tables)
    }
    return [
        f"An index of {table} is missing, which makes it slow: as its owner, {statement}"
        for table, is_unique, shape, statement in _made()
        if table in tables and (table, is_unique, shape) not in there
    ]


def _made() -> Iterator[tuple[str, bool, str, str]]:
    """Each index in the migrations: its table, whether it is unique, its shape, its statement."""
    for file in sorted(Path(migrations.__file__).parent.glob("[0-9]*.sql")):
        for found in _INDEX.finditer(file.read_text()):
            statement = " ".join(found[0].rstrip(";").split())
            yield found["table"], found["unique"] is not None, _shape(found["shape"]), statement


def _shape(words: str) -> str:
    """Columns of an index, and whether it leaves rows out; which ones has too many spellings."""
    columns, where, _ = words.partition("WHERE")
    return _NOISE.sub("", columns + where).lower()


def _size(count: float) -> str:
    """Bytes for people."""
    for unit, size in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count / 2**10:.0f} KiB"
