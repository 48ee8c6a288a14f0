"""The embedded PostgreSQL comes back after it, or its setup, was killed."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path

import asyncpg
import psutil
import pytest
from support.embedded import ask, kill_server, server

from app.database.embedded import ensure_running, running
from app.database.embedded_cluster import Cluster

RUNNING_LOOPS = """
SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO $$%'
"""


async def test_a_killed_server_comes_back_with_its_data_under_the_same_url(data_dir: Path) -> None:
    with running(data_dir) as url:
        await ask(url, "CREATE TABLE kept AS SELECT 42 AS answer")
        kill_server(data_dir)
        with pytest.raises(ConnectionRefusedError):
            await ask(url, "SELECT 1")
        ensure_running(data_dir)
        assert await ask(url, "SELECT answer FROM kept") == 42
    assert server(data_dir) == []


async def test_a_statement_that_outlives_its_killed_server_does_not_keep_it_away(
    data_dir: Path,
) -> None:
    with running(data_dir) as url:
        connection = await asyncpg.connect(url)
        endless = asyncio.create_task(
            connection.execute("DO $$ DECLARE n int; BEGIN LOOP n := 1; END LOOP; END $$")
        )
        while await ask(url, RUNNING_LOOPS) == 0:
            await asyncio.sleep(0.01)
        postmaster, *_ = server(data_dir)
        orphan = psutil.Process(connection.get_server_pid())
        postmaster.kill()
        ensure_running(data_dir)
        assert not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE
        assert await ask(url, "SELECT 1") == 1
        with pytest.raises(asyncpg.PostgresConnectionError):
            await endless
        connection.terminate()


@pytest.mark.parametrize("ended", [False, True], ids=["another process", "a zombie"])
async def test_a_process_with_the_number_of_a_killed_server_is_not_taken_for_it(
    data_dir: Path, ended: bool
) -> None:
    with running(data_dir) as url:
        kill_server(data_dir)
        lock = Cluster.at(data_dir).files / "postmaster.pid"
        account = lock.stat().st_uid if os.geteuid() == 0 else None
        with subprocess.Popen(["/bin/sleep", "60"], user=account) as other:
            if ended:
                os.kill(other.pid, signal.SIGKILL)
            lock.write_text(f"{other.pid}\n" + lock.read_text().partition("\n")[2])
            ensure_running(data_dir)
            assert await ask(url, "SELECT 1") == 1
            other.kill()


async def test_a_torn_lock_file_is_no_obstacle(data_dir: Path) -> None:
    with running(data_dir) as url:
        kill_server(data_dir)
        (Cluster.at(data_dir).files / "postmaster.pid").write_text("")
        ensure_running(data_dir)
        assert await ask(url, "SELECT 1") == 1


async def test_a_setup_that_was_killed_is_done_anew(new_dir: Path) -> None:
    half_made = new_dir / "postgres.new-abc"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")
    with running(new_dir) as url:
        assert await ask(url, "SELECT 1") == 1
    assert not half_made.exists()
