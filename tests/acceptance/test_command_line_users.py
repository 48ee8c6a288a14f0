"""Users and their tokens by the command line; passwords nowhere to be seen."""

import re
from pathlib import Path

import psutil
import pytest
from support.commands import CANARY, Run, assert_refused
from support.service_process import ADMIN, ServiceProcess, sessionary


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
    file.chmod(0o600)
    given = ("--database-url=postgresql://h/x", f"--{option}-password-file={file}")
    assert_refused(sessionary("serve", *given), 2, sentence)


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


def test_no_child_of_the_service_has_its_secrets_or_what_else_was_in_the_environment(
    served: ServiceProcess,
) -> None:
    # (A shell starts PostgreSQL, and adds some names of its own.)
    may = re.compile(r"_|HOME|(OLD)?PWD|SHLVL|LANG(UAGE)?|LOGNAME|PATH|USER|TE?MP|TMPDIR|"
                     r"TZ(DIR)?|VIRTUAL_ENV|(LC_|LD_|MALLOC_|PG(?!PASSWORD)|PYTHON|PROMETHEUS_|"
                     r"SSL_).*")  # fmt: skip
    for child in (*served.workers(), *served.servers()[:1]):
        assert [name for name in child.environ() if not may.fullmatch(name)] == []
