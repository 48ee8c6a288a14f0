"""What `doctor` says of the server: its release, its disk, and what keeps its tables small."""

import shutil
from pathlib import Path
from typing import NamedTuple

import asyncpg
import pytest
from msgspec.structs import replace

from app.integrity import guards, minors, server
from app.integrity.doctor import Examination, examine
from app.maintenance.store import Connection, DataLocation


@pytest.mark.parametrize(
    ("major", "minor", "fixed"),
    [(18, 4, 7), (18, 6, 7), (17, 9, 11), (16, 15, 16), (15, 18, 20), (15, 0, 20)],
)
def test_a_release_with_known_holes_is_told_with_the_one_that_closed_them(
    major: int, minor: int, fixed: int
) -> None:
    told = server.minor_in_words(major, minor, embedded=False)
    assert told is not None
    assert told.startswith(f"PostgreSQL {major}.{minor} has known holes: ")
    assert f"Upgrade to {major}.{fixed}" in told


def test_the_embedded_one_is_said_to_be_for_one_machine() -> None:
    told = server.minor_in_words(18, 4, embedded=True)
    assert told is not None
    assert "one machine" in told
    assert "CVE-2026-6471" in told


@pytest.mark.parametrize(("major", "minor"), [(18, 7), (18, 8), (19, 0)])
def test_of_others_nothing_is_known(major: int, minor: int) -> None:
    assert server.minor_in_words(major, minor, embedded=False) is None


def test_the_table_of_releases_is_in_order() -> None:
    for fixes in minors.FIXES.values():
        assert [fix.minor for fix in fixes] == sorted({fix.minor for fix in fixes})


class Usage(NamedTuple):
    total: int
    used: int
    free: int


async def finding(examination: Examination, check: str) -> tuple[str, str]:
    (found,) = (each for each in await examine(examination) if each.check == check)
    return found.state, found.message


@pytest.fixture
def examination(store: Connection, database_url: str, tmp_path: Path) -> Examination:
    where = DataLocation(database_url=database_url, data_dir=tmp_path)
    return Examination(store, where)


@pytest.mark.parametrize(
    ("total", "free", "state"),
    [
        (2**40, 2**38, "well"),
        (2**40, 2**36, "warning"),
        (2**33, 2**30, "warning"),
        (2**33, 2**27, "wrong"),
    ],
    ids=["room", "a twentieth", "a gibibyte", "nearly none"],
)
async def test_the_embedded_servers_disk_is_looked_at(
    examination: Examination, monkeypatch: pytest.MonkeyPatch, total: int, free: int, state: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(total, total - free, free))
    here = Examination(examination.store, replace(examination.where, database_url=None))
    assert here.where.embedded
    found, told = await finding(here, "disk")
    assert (found, " free (" in told) == (state, True)


async def test_another_servers_disk_is_said_not_to_be_seen(examination: Examination) -> None:
    found, told = await finding(examination, "disk")
    assert found == "well"
    assert told.startswith("The server's disk cannot be seen from here; the database takes ")


async def test_a_missing_index_is_told_with_the_statement_that_makes_it(
    examination: Examination, owner: asyncpg.Connection
) -> None:
    await owner.execute("DROP INDEX ai_session_info_created_at_stream_id_idx")
    found, told = await finding(examination, "indexes")
    assert found == "wrong"
    statement = told.partition("as its owner, ")[2]
    assert statement == "CREATE INDEX ON ai_session_info (created_at, stream_id)"
    await owner.execute(statement)
    assert (await finding(examination, "indexes"))[0] == "well"


async def test_dead_rows_and_pages_of_nothing_are_told(
    examination: Examination, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_DEAD_ROWS", 1_000)
    monkeypatch.setattr(server, "_BLOAT_BYTES", 2**20)
    await owner.execute("ALTER TABLE log_setting SET (autovacuum_enabled = false)")
    await owner.execute(
        "INSERT INTO log_setting (name, value)"
        " SELECT 'n' || n, repeat('x', 500) FROM generate_series(1, 8000) AS n"
    )
    await owner.execute("ANALYZE log_setting")
    assert await server.bloat(examination.store, guards.tables()) == []
    await owner.execute("DELETE FROM log_setting WHERE name ~ '^n[1-9]' AND name <> 'n1'")
    await owner.execute("SELECT pg_stat_force_next_flush()")
    await owner.execute("ANALYZE log_setting")
    dead, pages = await server.bloat(examination.store, guards.tables())
    assert dead.startswith("log_setting has ")
    assert " dead rows among 8,00" in dead
    assert pages.startswith("log_setting takes ")
    assert (await finding(examination, "bloat"))[0] == "warning"


async def test_old_transactions_are_a_warning_and_very_old_ones_are_wrong(
    examination: Examination, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await server.ages(examination.store) == ([], [])
    monkeypatch.setattr(server, "_DUE_TIMES", -1)
    assert (await finding(examination, "ages"))[0] == "warning"
    aged = server.SQL["ages"].replace("age(d.datfrozenxid)", "1700000000")
    monkeypatch.setitem(server.SQL, "ages", aged)
    found, told = await finding(examination, "ages")
    assert found == "wrong"
    assert told.startswith("The oldest transaction id is 1,700,000,000 old")
