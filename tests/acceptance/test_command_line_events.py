"""What auditors type: events of the whole log, and one session through time."""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
from support.commands import Run, assert_refused
from support.patience import patient
from support.service_process import PROGRAM, clean_environment
from support.story import CUSTOMER, MESSAGE, REASON, TIME, Story, events, issue_token, lines


def test_events_are_found_by_all_that_is_given(story: Story) -> None:
    of_session = ("events", "list", f"--session={story.session}", "--output=ndjson")
    found = events(story.by_database(*of_session))
    assert [event["version"] for event in found] == [3, 2, 1]
    assert events(story.by_database(*of_session, "--reverse")) == found[::-1]
    one = events(story.by_database(*of_session, "--type=AI_SESSION.created", "--actor=admin"))
    assert [event["version"] for event in one] == [1]
    (first,) = one
    by_field = (*of_session, "--field=Purpose", "--operation=patchaisession", "--face=evo")
    assert events(story.by_database(*by_field)) == found[:2]
    until = f"--until={first['partition']}:{found[1]['position']}"
    assert events(story.by_database(*of_session, until)) == one
    assert events(story.by_database(*of_session, "--since=today", "--until=today")) == found
    assert events(story.by_database(*of_session, "--until=yesterday")) == []
    some = story.by_database(*of_session, "--limit=2")
    assert events(some) == found[:2]
    assert some.stderr == "There are more than these 2: --limit shows more\n"
    (event,) = events(story.by_database("events", "show", str(first["eventId"]), "--output=ndjson"))
    assert {name: event[name] for name in first} == first
    assert event["state"]["purpose"] == "triage"


@pytest.mark.parametrize("output", ["table", "json", "ndjson", "csv"])
@pytest.mark.parametrize(
    "command",
    [
        "events list --session={chat}",
        "events list --session={session} --reverse --limit=2 --tz=Asia/Kolkata",
        "events list --account=String --type=ai_session.created",
        "events show {place}",
        "replay {session}",
        "replay {chat} --as-of=1",
        "replay {session} --as-of=today",
        "replay {session} --state --as-of=2",
        "replay {chat} --diff 1 2",
        "replay {session} --who=PURPOSE",
        "replay principal:audrey",
    ],
)
def test_a_service_prints_what_the_database_prints(story: Story, command: str, output: str) -> None:
    if "{place}" in command:
        first = events(story.by_database("replay", story.chat, "--output=ndjson"))[0]
        command = command.replace("{place}", f"0:{first['position']}")
    typed = [*command.format(session=story.session, chat=story.chat).split(), f"--output={output}"]
    expected = story.by_database(*typed)
    found = story.by_server(*typed, "--personal", f"--reason={REASON}")
    assert expected.stdout
    if "show" in command:  # its links are of HTTP only
        found.stdout = re.sub(r',\s*"(previous|next)":\s*("[^"]*"|null)', "", found.stdout)
    assert (found.returncode, found.stderr) == (expected.returncode, expected.stderr)
    assert found.stdout == expected.stdout


@pytest.mark.parametrize("output", ["table", "json", "csv"])
@pytest.mark.parametrize(
    "command", ["users list", "tokens list", "tokens list audrey", "accounts list"]
)
def test_lists_are_the_same_over_http(
    story: Story, tmp_path: Path, command: str, output: str
) -> None:
    issue_token(story.served, "admin", tmp_path / "token")
    typed = (*command.split(), f"--output={output}")
    found = story.by_server(*typed, token_file=tmp_path / "token")
    expected = story.by_database(*typed)
    used = re.compile(r'("lastUsedAt": )(null|"[^"]*")|\S*$', re.MULTILINE)
    assert found.returncode == 0, found.stderr
    assert used.sub(r"\1", found.stdout) == used.sub(r"\1", expected.stdout)


def test_personal_data_is_masked_until_a_reason_is_on_record(story: Story) -> None:
    masked = story.by_server("replay", story.chat)
    assert "K•••" in masked.stdout
    assert CUSTOMER not in masked.stdout
    reason = "a reason of its own"
    shown = story.by_server("replay", story.chat, "--personal", f"--reason={reason}")
    assert CUSTOMER in shown.stdout
    views = story.by_server("events", "list", "--session=audit:audrey", "--limit=1")
    assert reason in views.stdout
    for half in ("--personal", "--reason=why"):
        assert_refused(story.by_server("replay", story.chat, half), 2, "belong together")


def test_csv_is_that_of_the_service(story: Story, auditor: httpx.Client) -> None:
    twin = auditor.get(f"/audit/sessions/{story.session}/history.csv").content
    typed = story.by_server("replay", story.session, "--output=csv")
    assert typed.stdout.encode() == twin.replace(b"\r\n", b"\n")
    assert twin.startswith(
        b"position,recordedAt,actor,type,operation,sessionId,version,changed\r\n"
    )
    life = f"/audit/sessions/{story.session}/provenance.csv?field=purpose"
    typed = story.by_server("replay", story.session, "--who=purpose", "--output=csv")
    assert typed.stdout.encode() == auditor.get(life).content.replace(b"\r\n", b"\n")
    assert ",'=•••\n" in typed.stdout


def test_a_line_for_programs_has_each_value_whole(story: Story) -> None:
    created, message = lines(story.by_database("replay", story.chat))
    place, at, actor, roles, kind, operation, session, version, client, request, changed = (
        message.split("\t")
    )
    assert re.fullmatch(r"0:\d+", place)
    assert TIME.fullmatch(at)
    assert (actor, roles, kind) == (
        "admin", "SystemAdministrator", "chat_session.message_added.v1"
    )  # fmt: skip
    assert (session, version, client) == (story.chat, "2", "127.0.0.1")
    assert operation
    assert request
    assert f"Message = {json.dumps(MESSAGE)}" in changed
    assert CUSTOMER in created


def test_one_session_is_shown_as_it_was(story: Story) -> None:
    state = lines(story.by_database("replay", story.session, "--state", "--as-of=1"))
    assert 'purpose\t"triage"' in state
    diff = lines(story.by_database("replay", story.session, "--diff", "1", "3"))
    assert diff == ['purpose\t"triage"\t"=1+1"']
    life = lines(story.by_database("replay", story.session, "--who", "purpose"))
    assert [line.split("\t")[-2:] for line in life] == [
        ["null", '"triage"'], ['"triage"', '"billing"'], ['"billing"', '"=1+1"'],
    ]  # fmt: skip


def test_a_time_is_repeated_as_it_was_understood(story: Story) -> None:
    shown = story.by_database("replay", story.session, "--as-of=today", "--tz=Asia/Kolkata")
    assert re.fullmatch(
        r"--as-of today is \S+ 00:00:00 to 23:59:59 IST \(\+05:30\)\n", shown.stderr
    )
    place, at = lines(shown)[0].split("\t")[:2]
    assert at.endswith(" +05:30")
    exact = story.by_database("replay", story.session, f"--as-of={at}")
    assert (lines(exact)[0].split("\t")[0], len(lines(exact)), exact.stderr) == (place, 1, "")


def test_a_search_finds_events_that_no_service_has_followed(run: Run) -> None:
    assert run("accounts", "add", "a1", "Acme").returncode == 0
    assert run("users", "add", "kim", "--role=Agent").returncode == 0
    assert run("users", "roles", "kim", "--role=Manager").returncode == 0
    found = events(run("events", "list", "--field=roles", "--output=ndjson"))
    assert [event["type"] for event in found] == [
        "principal.roles_changed.v1", "principal.added.v1"
    ]  # fmt: skip
    assert (
        events(run("events", "list", "--field=roles", "--output=ndjson", "--reverse"))
        == (found[::-1])
    )
    (one,) = events(run("events", "list", "--account=a1", "--output=ndjson", "--limit=1"))
    assert one["sessionId"] == "account:a1"
    assert run("events", "list", "--account=a2").stdout == ""


def test_the_tail_has_the_newest_at_its_end(story: Story) -> None:
    newest = events(story.by_database("events", "list", "--limit=3", "--output=ndjson"))
    assert (
        events(story.by_database("events", "tail", "--limit=3", "--output=ndjson"))
        == (newest[::-1])
    )


@contextmanager
def following(*options: str) -> Iterator[subprocess.Popen[str]]:
    command = [PROGRAM, "events", "tail", "--follow", "--limit=1", "--output=ndjson", *options]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
        # (The tests may have been started in the background, which ignores it.)
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("way", ["database", "server"])
def test_the_tail_goes_on_with_what_comes(story: Story, admin: httpx.Client, way: str) -> None:
    data = f"--data-dir={story.served.data_dir}"
    with following(*(story.options() if way == "server" else [data])) as process:
        assert process.stdout is not None
        last = json.loads(process.stdout.readline())
        for purpose in ("one", "two"):
            made = admin.post("/ai/sessions", json={"accountId": "String", "purpose": purpose})
            event = json.loads(process.stdout.readline())
            assert event["position"] == last["position"] + 1
            assert event["sessionId"] == made.json()["id"]
            shown = purpose if way == "database" else f"{purpose[0]}•••"
            assert event["changed"]["purpose"] == {"before": None, "after": shown}
            last = event
        process.send_signal(signal.SIGINT)
        assert process.wait(patient(20)) == 130


def test_following_personal_data_is_a_view_for_a_command_not_for_each_look(
    story: Story, admin: httpx.Client
) -> None:
    reason = ("--personal", f"--reason={REASON}")
    with following(*story.options(), *reason) as process:
        assert process.stdout is not None
        process.stdout.readline()
        views = 0
        for number in range(4):
            made = admin.post("/ai/sessions", json={"purpose": f"purpose {number}"}).json()
            while (event := json.loads(process.stdout.readline()))["sessionId"] != made["id"]:
                assert event["type"] == "audit.viewed.v1"
                views += 1
            assert event["changed"]["purpose"]["after"] == f"purpose {number}"
        assert views <= 2, "one of what it began with, one of what followed"


def test_the_answer_of_a_face_is_printed_byte_for_byte(
    story: Story, admin: httpx.Client, auditor: httpx.Client
) -> None:
    now = admin.get(f"/ai/sessions/{story.session}").text
    typed = ("replay", story.session, "--as=evo")
    assert story.by_database(*typed).stdout == now
    assert story.by_server(*typed, "--personal", f"--reason={REASON}").stdout == now
    then = story.by_database(*typed, "--as-of=1").stdout
    assert json.loads(then)["purpose"] == "triage"
    typed = ("replay", story.chat, "--as=superoffice")
    chat = auditor.get(f"/api/v1/ChatSession/{story.chat}").text
    assert story.by_server(*typed, "--personal", f"--reason={REASON}").stdout == chat
    # By the database, nobody named a host for its links.
    whole = admin.get(f"/api/v1/ChatSession/{story.chat}").text
    assert story.by_database(*typed).stdout == whole.replace(story.served.base_url, "")
    assert_refused(story.by_server(*typed), 2, "personal=true and a reason")
    other = ("replay", story.chat, "--as=evo")
    for refused in (story.by_database(*other), story.by_server(*other)):
        assert_refused(refused, 2, f"as=evo does not show {story.chat}")
