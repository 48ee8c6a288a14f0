"""What scripts rely on: exit codes, data on stdout and talk on stderr, passwords nowhere."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import click
import psutil
import pytest
from click.testing import CliRunner
from support import database
from support.patience import patient
from support.service_process import (
    ADMIN,
    STOPS_S,
    ServiceProcess,
    data_directory,
    free_port,
    sessionary,
)

from app.cli.main import main
from app.cli.options import on_data
from app.database.embedded_cluster import Cluster
from app.database.errors import StoreDown
from app.log.errors import Unreadable
from app.maintenance.store import DataLocation
from app.rebuild.rebuild import RebuildUnderWay

WAITING = """
import sys, click
from app.cli.options import on_data
from app.maintenance.store import SchemaPermission, database
@click.command()
@on_data
def wait(where):
    with database(where, SchemaPermission.BEGIN):
        print("there", flush=True)
        sys.stdin.read()
wait()
"""
CANARY = "canary-7b1e-password"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "master.key"
    path.write_text(database.MASTER_KEY_FILE)
    return path


@pytest.fixture
def run(database_url: str, key_file: Path) -> Run:
    """Runs a subcommand on a database of the test's own."""
    options = (
        f"--database-url={database_url}", f"--master-key-file={key_file}",
        "--allow-unsafe-database",
    )  # fmt: skip

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return sessionary(*arguments, *options, stdin=stdin)

    return run


def assert_refused(ended: subprocess.CompletedProcess[str], code: int, sentence: str) -> None:
    assert ended.returncode == code, ended.stderr
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_users_are_added_once_in_canonical_roles_and_listed_on_stdout(run: Run) -> None:
    options = ("users", "add", "kim", "--role=auditor", "--role=AUDITOR", "--password-stdin")
    added = run(*options, stdin=f"{CANARY}\n")
    assert (added.returncode, added.stdout, added.stderr) == (0, "", "Added kim\n")
    assert_refused(run(*options, stdin=CANARY), 2, "There is a user kim already")
    listed = run("users", "list")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "kim" in listed.stdout
    assert "Auditor" in listed.stdout
    assert listed.stdout.count("uditor") == 1


def test_a_token_is_alone_on_stdout(run: Run) -> None:
    run("users", "add", "robot", "--role=Operator")
    given = run("users", "token", "robot")
    assert (given.returncode, given.stderr) == (0, "")
    assert len(given.stdout.split()) == 1
    assert_refused(run("users", "token", "nobody"), 2, "There is no user nobody")


def test_a_misspelt_role_is_refused() -> None:
    assert_refused(sessionary("users", "add", "kim", "--role=Admn"), 2, "'Admn' is not one of")


LOOKING = pytest.mark.parametrize(
    "command",
    [
        ("verify",), ("rebuild",), ("replay", "1"), ("users", "list"), ("users", "token", "kim"),
        ("accounts", "list"),
    ],
    ids=" ".join,
)  # fmt: skip


@LOOKING
def test_who_looks_at_the_wrong_place_is_told_and_leaves_nothing_there(
    command: Sequence[str], tmp_path: Path
) -> None:
    typo = tmp_path / "typo"
    assert_refused(sessionary(*command, f"--data-dir={typo}"), 2, f"There is no log in {typo}")
    assert list(tmp_path.iterdir()) == []


@LOOKING
def test_who_looks_at_an_empty_database_is_told(
    command: Sequence[str], empty_database_url: str, tmp_path: Path
) -> None:
    given = (f"--database-url={empty_database_url}", "--allow-unsafe-database")
    ended = sessionary(*command, *given, f"--data-dir={tmp_path}")
    assert_refused(ended, 2, "The database holds no log")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["serve", "migrate", "verify"])
def test_an_empty_data_directory_name_is_refused(command: str) -> None:
    assert_refused(sessionary(command, "--data-dir="), 2, "is empty")


def test_a_clean_log_verifies(run: Run) -> None:
    added = run("accounts", "add", "a1", "Acme")
    assert added.returncode == 0, added.stderr
    verified = run("verify")
    assert (verified.returncode, verified.stdout) == (0, ""), verified.stderr
    assert "the views equal the log" in verified.stderr


def test_a_history_that_begins_later_is_told_from_none(run: Run) -> None:
    assert run("accounts", "add", "a1", "Acme").returncode == 0
    nothing = "Nothing was recorded for account:a1 up to "
    assert_refused(run("replay", "account:a1", "--as-of", "0"), 2, nothing + "0")
    assert_refused(run("replay", "account:a1", "--as-of", "2001-01-01T00:00:00Z"), 2, nothing + "2")
    assert_refused(run("replay", "account:a2"), 2, "Nothing was recorded for account:a2\n")


def test_no_role_and_no_statement_cache_are_taken_by_every_command(run: Run) -> None:
    options = ("--database-role=", "--statement-cache=0")
    assert run("accounts", "list", *options).returncode == 0
    assert_refused(run("accounts", "list", "--database-role=nobody_such"), 2, "nobody_such")


def test_another_master_key_is_wrong_use(run: Run, key_file: Path) -> None:
    key_file.write_text("QQ" * 21 + "Q=\n")
    assert_refused(run("verify"), 2, "holds another master key")
    key_file.unlink()
    assert_refused(run("verify"), 2, "is not there")


def test_an_unreachable_database_is_not_reachable() -> None:
    url = f"--database-url=postgresql://kim:{CANARY}@127.0.0.1:{free_port()}/x"
    ended = sessionary("verify", url)
    assert_refused(ended, 3, "The database is not reachable")
    assert CANARY not in ended.stderr


@pytest.mark.parametrize("url", ["", "foo", f"postgresql://kim:{CANARY}/@127.0.0.1/x"])
def test_what_is_no_url_is_wrong_use(url: str) -> None:
    ended = sessionary("verify", f"--database-url={url}")
    assert_refused(ended, 2, "database")
    assert CANARY not in ended.stderr


def test_a_password_file_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    missing = f"--database-password-file={tmp_path / 'none'}"
    assert_refused(sessionary("verify", "--database-url=postgresql://h/x", missing), 2, "not exist")


@pytest.mark.parametrize(
    ("held", "sentence"), [(b"\xff\xfe", "holds no text"), (b" \n", "is empty")]
)
@pytest.mark.parametrize("option", ["admin", "database"])
def test_a_password_file_without_a_password_is_wrong_use(
    option: str, held: bytes, sentence: str, tmp_path: Path
) -> None:
    (file := tmp_path / "password").write_bytes(held)
    given = ("--database-url=postgresql://h/x", f"--{option}-password-file={file}")
    assert_refused(sessionary("serve", *given), 2, sentence)


@pytest.mark.parametrize(
    "given",
    [
        "--customer-timeout=nan",
        "--customer-timeout=inf",
        "--customer-timeout=-1",
        "--allowed-origins=foo",
        "--allowed-origins=",
        "--allowed-origins=https://app.example/page",
        "--allowed-origins=https://a.example,https://b.example",
    ],
)
def test_what_is_no_time_and_no_origin_is_wrong_use(given: str) -> None:
    ended = sessionary("serve", given, "--database-url=postgresql://h/x")
    assert_refused(ended, 2, f"Invalid value for '{given.partition('=')[0]}'")


def test_a_port_in_use_is_not_reachable(served: ServiceProcess, run: Run) -> None:
    ended = run("serve", f"--port={served.port}")
    assert_refused(ended, 3, f"Cannot listen on 127.0.0.1, port {served.port}: Address already in")


def test_a_password_is_in_no_log_and_on_no_command_line(served: ServiceProcess) -> None:
    options = ("--role=Customer", "--password-stdin")
    added = served.command("users", "add", "canary", *options, stdin=CANARY)
    assert added.returncode == 0, added.stderr
    refused = served.command("users", "add", "canary", *options, stdin=CANARY)
    assert CANARY not in added.stdout + added.stderr + refused.stdout + refused.stderr
    assert CANARY not in served.log + served.database_log
    _, password = ADMIN
    assert password not in served.log + served.database_log
    started = [served.process.pid, *(worker.pid for worker in served.workers())]
    assert all(password not in " ".join(psutil.Process(pid).cmdline()) for pid in started)


@contextmanager
def waiting(folder: Path, inherited: signal.Handlers) -> Iterator[subprocess.Popen[str]]:
    """A command that holds its database until its standard input ends.

    `inherited`: what it finds SIGHUP set to, whatever the tests themselves were started with.
    """
    command = [sys.executable, "-c", WAITING, f"--data-dir={folder}"]
    pipe = subprocess.PIPE
    ours = signal.signal(signal.SIGHUP, inherited)
    try:
        started = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)  # noqa: S603  # ourselves
    finally:
        signal.signal(signal.SIGHUP, ours)
    with started:
        assert started.stdout is not None
        assert started.stdout.readline() == "there\n"
        assert Cluster.at(folder)._processes()
        yield started
    assert Cluster.at(folder)._processes() == []


@pytest.mark.parametrize(("told", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_command_that_is_told_to_end_leaves_no_database_behind(
    told: signal.Signals, code: int
) -> None:
    with data_directory() as folder, waiting(folder, signal.SIG_DFL) as command:
        command.send_signal(told)
        assert command.wait(patient(STOPS_S)) == code


def test_a_command_under_nohup_outlasts_its_terminal() -> None:
    with data_directory() as folder, waiting(folder, signal.SIG_IGN) as command:
        command.send_signal(signal.SIGHUP)
        command.communicate(timeout=patient(STOPS_S))
        assert command.returncode == 0


def options(command: click.Command) -> Iterator[click.Option]:
    """All options of a command and those below it, without click's own."""
    if isinstance(command, click.Group):
        for below in command.commands.values():
            yield from options(below)
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.name not in ("help", "version"):
            yield parameter


def test_each_option_has_an_environment_variable() -> None:
    found = list(options(main))
    assert found
    for each in found:
        assert each.envvar == "SESSIONARY_" + each.opts[0].strip("-").replace("-", "_").upper()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unreadable("torn"), 1),
        (asyncpg.InsufficientPrivilegeError("permission denied for table x"), 2),
        (RebuildUnderWay(), 2),
        (StoreDown("gone"), 3),
        (ConnectionResetError("gone"), 3),
        (TimeoutError(), 3),
        (asyncpg.InterfaceError("connection is closed"), 3),
        (asyncpg.AdminShutdownError("gone"), 3),
        (FileNotFoundError("some file"), 70),
        (asyncpg.UndefinedTableError("no table x"), 70),
        (ZeroDivisionError(), 70),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_only_a_difference_ends_with_1(error: BaseException, code: int) -> None:
    @click.command()
    @on_data
    def fail(where: DataLocation) -> None:
        raise error

    ended = CliRunner().invoke(fail)
    assert ended.exit_code == code
    assert ended.stdout == ""
    assert ("Traceback" in ended.stderr) == (code == 70)


@pytest.mark.parametrize(
    ("given", "role"), [(None, "sessionary_service"), ("", None), ("other", "other")]
)
def test_an_empty_variable_means_no_role(given: str | None, role: str | None) -> None:
    taken: list[str | None] = []

    @click.command()
    @on_data
    def take(where: DataLocation) -> None:
        taken.append(where.database_role)

    CliRunner().invoke(take, env={"SESSIONARY_DATABASE_ROLE": given})
    assert taken == [role]
