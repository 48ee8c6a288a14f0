"""Commands that read from a running service: who is refused, and that tokens stay secret."""

import json
from pathlib import Path

import pytest
from support.commands import assert_refused
from support.service_process import ServiceProcess, free_port, sessionary
from support.story import Story, issue_token

LIST = ("events", "list")


def test_a_token_that_is_none_is_refused_and_told_nowhere(story: Story, tmp_path: Path) -> None:
    (file := tmp_path / "token").write_text("not-a-token-of-ours\n")
    file.chmod(0o600)
    refused = story.by_server(*LIST, token_file=file)
    assert_refused(refused, 2, "the token is unknown or has ended")
    assert "not-a-token" not in refused.stderr


def test_a_role_that_may_not_is_named(story: Story, tmp_path: Path) -> None:
    story.by_database("users", "add", "olga", "--role=Operator")
    issue_token(story.served, "olga", tmp_path / "token")
    refused = story.by_server(*LIST, token_file=tmp_path / "token")
    assert_refused(refused, 2, "has no role for this")
    assert_refused(story.by_server("users", "list"), 2, "has no role for this")
    assert (tmp_path / "token").read_text().strip() not in refused.stderr


def test_a_token_that_others_can_read_is_refused(story: Story, tmp_path: Path) -> None:
    (file := tmp_path / "token").write_text("x")
    file.chmod(0o644)
    assert_refused(story.by_server(*LIST, token_file=file), 2, f"chmod 600 {file}")


@pytest.mark.parametrize(
    ("held", "sentence"),
    [(b"", "should hold a token"), (b"a b", "should hold a token"), (b"\xff", "holds no text")],
)
def test_a_file_without_a_token_is_refused(
    story: Story, tmp_path: Path, held: bytes, sentence: str
) -> None:
    (file := tmp_path / "token").write_bytes(held)
    file.chmod(0o600)
    assert_refused(story.by_server(*LIST, token_file=file), 2, sentence)
    file.unlink()
    assert_refused(story.by_server(*LIST, token_file=file), 2, "cannot be read")


def test_a_service_that_is_away_is_not_reachable(story: Story) -> None:
    server = f"--server=http://127.0.0.1:{free_port()}"
    token = f"--token-file={story.token_file}"
    assert_refused(sessionary(*LIST, server, token), 3, "is not reachable")


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8000", "ftp://h", "http://kim:canary@h", "http://h?x", "http://h:x"]
)
def test_what_is_no_url_of_a_service_is_wrong_use(story: Story, url: str) -> None:
    ended = sessionary(*LIST, f"--server={url}", f"--token-file={story.token_file}")
    assert_refused(ended, 2, "--server takes a URL")
    assert "canary" not in ended.stderr


def test_a_service_without_a_token_is_wrong_use(story: Story) -> None:
    assert_refused(sessionary(*LIST, f"--server={story.served.base_url}"), 2, "--token-file")


def test_what_names_the_log_may_stand_before_the_command(story: Story) -> None:
    typed = (*LIST, "--limit=1")
    expected = story.by_server(*typed).stdout
    assert sessionary(*story.options(), *typed).stdout == expected
    data = f"--data-dir={story.served.data_dir}"
    assert sessionary(data, *typed).stdout == expected
    # What stands after the command counts.
    assert sessionary("--data-dir=/nowhere", *typed, data).stdout == expected
    assert_refused(sessionary(*story.options(), "verify"), 2, "works on the database")
    assert_refused(sessionary(*story.options(), *typed, data), 2, "name two places")


def test_the_environment_names_the_service_too(story: Story) -> None:
    server, token = (option.partition("=")[2] for option in story.options())
    typed = (*LIST, "--limit=1")
    environment = {"SESSIONARY_SERVER": server, "SESSIONARY_TOKEN_FILE": token}
    expected = story.by_database(*typed).stdout
    assert sessionary(*typed, **environment).stdout == expected
    # A database that is named on the command line counts more than the environment.
    data = f"--data-dir={story.served.data_dir}"
    environment["SESSIONARY_SERVER"] = f"http://127.0.0.1:{free_port()}"
    assert sessionary(*typed, data, **environment).stdout == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_their_completion(shell: str) -> None:
    script = sessionary("completion", shell)
    assert script.returncode == 0
    assert "_SESSIONARY_COMPLETE" in script.stdout


def test_commands_and_options_are_completed() -> None:
    asked = {"_SESSIONARY_COMPLETE": "bash_complete", "COMP_WORDS": "sessionary events ",
             "COMP_CWORD": "2"}  # fmt: skip
    assert sessionary(**asked).stdout.split() == ["plain,list", "plain,show", "plain,tail"]
    asked |= {"COMP_WORDS": "sessionary replay --st", "COMP_CWORD": "2"}
    assert "plain,--state" in sessionary(**asked).stdout.split()


def test_doctor_is_shown_in_each_form(served: ServiceProcess) -> None:
    table = served.command("doctor").stdout.splitlines()
    csv = served.command("doctor", "--output=csv").stdout.splitlines()
    assert csv[0] == "check,state,message"
    assert len(csv) == len(table) + 1
    ndjson = served.command("doctor", "--output=ndjson").stdout.splitlines()
    assert [json.loads(line)["check"] for line in ndjson] == [line.split("\t")[0] for line in table]
