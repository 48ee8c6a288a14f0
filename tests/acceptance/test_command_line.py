"""What scripts rely on: exit codes, data on stdout and talk on stderr, options."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import asyncpg
import click
import pytest
from click.testing import CliRunner
from support.commands import CANARY, Run, assert_refused
from support.service_process import ServiceProcess, free_port, sessionary

from app.cli.main import main
from app.cli.options import on_data
from app.cli.param_types import Folder
from app.database.errors import StoreDown
from app.log.errors import Unreadable
from app.maintenance.store import DataLocation
from app.rebuild.swap import RebuildUnderWay

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
    assert_refused(run("replay", "account:a1", "--as-of", "0"), 2, "there is no version 0")
    assert_refused(run("replay", "account:a1", "--as-of", "2"), 2, "there is no version 2")
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


def options(command: click.Command) -> Iterator[click.Option]:
    """All options of a command and those below it, without click's own."""
    if isinstance(command, click.Group):
        for below in command.commands.values():
            yield from options(below)
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.name not in ("help", "version"):
            yield parameter


ARGUMENTS = {
    "--role", "--password-stdin", "--yes", "--label", "--expires", "--output", "--as-of",
    "--approved-by", "--distributed",
    "--partitions", "--watch", "--state", "--as", "--diff", "--who", "--tz", "--personal",
    "--reason",
    "--actor", "--type", "--operation", "--face", "--session", "--account", "--field", "--client",
    "--request", "--since", "--until", "--reverse", "--limit", "--follow",
    "--dry-run", "--timings", "--pause", "--cancel", "--view", "--once", "--stream",
    "--phone", "--name",
    "-o", "--new-key-file", "--clear", "--checkpoint", "--erasures",
    "--log", "--views", "--proof", "--key", "--receipt", "--partition", "--size", "--now",
    "--former",
    "--person", "--from-list", "--subject",
}  # fmt: skip
"""What a single command is about. The environment is for settings."""


def test_each_setting_has_an_environment_variable_and_no_argument_has_one() -> None:
    found = list(options(main))
    assert {each.opts[0] for each in found} > ARGUMENTS
    for each in found:
        # (`replay --state` and `verify --log` are flags, other options of these names settings.)
        is_setting = isinstance(each.type, Folder) or (each.opts[0] == "--log" and each.multiple)
        if each.opts[0] in ARGUMENTS and not is_setting:
            assert each.envvar is None
            continue
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
