"""Users and their tokens by the command line; passwords nowhere to be seen."""

import json
import re
from datetime import datetime
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


def test_a_user_s_life_is_told_by_its_history(run: Run) -> None:
    run("users", "add", "kim", "--role=Auditor", "--password-stdin", stdin=f"{CANARY}\n")
    steps = {
        ("users", "passwd", "kim", "--password-stdin"): "Changed the password of kim\n",
        ("users", "roles", "kim", "--role=Agent", "--role=manager"): "kim has the roles Agent, Man",
        ("users", "sign-out", "kim"): "Signed kim out everywhere\n",
        ("users", "disable", "kim"): "Disabled kim\n",
        ("users", "enable", "kim"): "Enabled kim\n",
        ("users", "remove", "kim", "--yes"): "Removed kim\n",
    }
    for step, said in steps.items():
        done = run(*step, stdin="another long password")
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        assert done.stderr.startswith(said)
    (shown,) = json.loads(run("users", "list", "--output=json").stdout)["users"]
    assert (shown["name"], shown["state"], shown["roles"]) == (
        "kim",
        "removed",
        ["Agent", "Manager"],
    )
    told = [
        json.loads(line)
        for line in run("replay", "principal:kim", "--output=ndjson").stdout.splitlines()
    ]
    assert [event["type"].split(".")[1] for event in told] == [
        "added", "password_changed", "roles_changed", "signed_out", "disabled", "enabled",
        "removed",
    ]  # fmt: skip
    assert {event["actor"].partition(":")[0] for event in told} == {"cli"}
    assert {event["sessionId"] for event in told} == {"principal:kim"}
    assert run("verify").returncode == 0


def test_a_removed_user_is_gone_for_good(run: Run) -> None:
    run("users", "add", "kim", "--role=Auditor")
    assert_refused(run("users", "remove", "kim"), 2, "--yes")
    assert run("users", "remove", "kim", "--yes").returncode == 0
    assert_refused(run("users", "remove", "kim", "--yes"), 2, "There is no user kim")
    assert_refused(run("users", "enable", "kim"), 2, "There is no user kim")
    assert_refused(run("users", "add", "kim", "--role=Auditor"), 2, "a name is given only once")
    assert_refused(run("tokens", "add", "kim"), 2, "There is no user kim")


@pytest.mark.parametrize("command", ["passwd", "roles", "disable", "enable", "remove", "sign-out"])
def test_who_is_not_there_is_named(run: Run, command: str) -> None:
    options = {"passwd": ["--password-stdin"], "roles": ["--role=Agent"], "remove": ["--yes"]}
    given = run("users", command, "nobody", *options.get(command, []), stdin="right as rain")
    assert_refused(given, 2, "There is no user nobody")


@pytest.mark.parametrize(
    "name", ["", "a\nb", "a\x1b[31mb", "a\x7fb", "a:b", " kim", "k" * 65], ids=ascii
)
def test_a_name_that_nobody_could_give_is_refused_and_obeyed_by_no_terminal(
    run: Run, name: str
) -> None:
    refused = run("users", "add", name, "--role=Agent")
    assert_refused(refused, 2, "A name ")
    disabled = run("users", "disable", name)
    assert_refused(disabled, 2, "There is no user")
    assert "\x1b" not in refused.stderr + disabled.stderr


def test_tokens_are_added_listed_and_revoked(run: Run) -> None:
    run("users", "add", "robot", "--role=Operator")
    plain = run("tokens", "add", "robot", "--label", "nightly build")
    assert (plain.returncode, plain.stderr, len(plain.stdout.split())) == (0, "", 1)
    whole = json.loads(run("tokens", "add", "robot", "--expires=never", "--output=json").stdout)
    assert set(whole) == {"id", "token", "principal", "label", "expiresAt"}
    assert (whole["principal"], whole["label"], whole["expiresAt"]) == ("robot", "", None)
    listed = run("tokens", "list", "robot", "--output=json").stdout
    first, second = json.loads(listed)["tokens"]
    assert set(first) == {
        "id", "principal", "label", "issuedBy", "issuedAt", "expiresAt", "lastUsedAt"
    }  # fmt: skip
    assert (first["label"], second["id"]) == ("nightly build", whole["id"])
    ends = datetime.fromisoformat(first["expiresAt"]) - datetime.fromisoformat(first["issuedAt"])
    assert round(ends.total_seconds()) == 90 * 86_400
    assert whole["token"] not in listed
    assert run("tokens", "revoke", whole["id"]).returncode == 0
    assert_refused(run("tokens", "revoke", whole["id"]), 2, "There is no token")
    assert_refused(run("tokens", "revoke", "x"), 2, "There is no token x")
    assert_refused(run("tokens", "list", "nobody"), 2, "There is no user nobody")
    assert len(json.loads(run("tokens", "list", "--output=json").stdout)["tokens"]) == 1


@pytest.mark.parametrize("end", ["", "tomorrow", "-1d", "0s", "2020-01-01T00:00:00Z"])
def test_an_end_that_is_none_is_refused(end: str) -> None:
    assert_refused(sessionary("tokens", "add", "kim", f"--expires={end}"), 2, "end of a token")


@pytest.mark.parametrize(
    "password", ["", "short", "kim-kim-kim-kim", "Administrator1", "1qaz2wsx3edc"]
)
def test_a_weak_password_is_refused_wherever_it_enters(run: Run, password: str) -> None:
    add = ("users", "add", "kim", "--role=Agent", "--password-stdin")
    refused = run(*add, stdin=f"{password}\n")
    assert_refused(refused, 2, "assword")
    assert not password or password not in refused.stderr
    assert run(*add, stdin="right as rain").returncode == 0
    refused = run("users", "passwd", "kim", "--password-stdin", stdin=f"{password}\n")
    assert_refused(refused, 2, "assword")


def test_the_environment_makes_nobody_an_administrator() -> None:
    """It is for settings: what a single command is about is said on its command line."""
    environment = {
        "SESSIONARY_ROLE": "Admin",
        "SESSIONARY_PASSWORD_STDIN": "1",
        "SESSIONARY_NAME": "kim",
        "SESSIONARY_YES": "1",
        "SESSIONARY_EXPIRES": "never",
        "SESSIONARY_LABEL": "planted",
        "SESSIONARY_OUTPUT": "json",
        "SESSIONARY_AS_OF": "1",
        "SESSIONARY_PARTITIONS": "4",
    }
    for name in environment:
        for command in (("users", "add"), ("users", "remove"), ("tokens", "add"), ("replay",)):
            told = sessionary(*command, "--help")
            assert name not in told.stdout
    added = sessionary("users", "add", "kim", **environment)
    assert_refused(added, 2, "Missing option '--role'")


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
