"""Erasures, receipts, holds and `subject` with what is wrong: a sentence, and nothing is erased."""

import asyncio
import json
import subprocess
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from click.testing import CliRunner, Result
from support import database
from support.erasures import CANARY
from support.held import HUGE, LONG, Held, holding, intact
from support.service_process import PROGRAM, clean_environment

from app.cli.main import main
from app.erasure.listed import known_streams
from app.history.sessions import session_named
from app.maintenance import users
from app.maintenance.store import Connection
from app.service import Service

ERASE = "erase --yes --reason=because"
LIST = "erase --yes --from-list"
COMMANDS = {
    # (What is `_` stands for a space.)
    "erase": (2, "Give either sessions, --person or --from-list"),
    "erase SESSION": (2, "reason takes 1 to 500 characters"),
    "erase SESSION --yes": (2, "reason takes 1 to 500 characters"),
    "erase SESSION --yes --reason=": (2, "--reason"),
    "erase SESSION --yes --reason=_": (2, "--reason"),
    f"erase SESSION --yes --reason={LONG}": (2, "--reason"),
    "erase SESSION --yes --reason=a\x7fb": (2, "--reason"),
    "erase SESSION --yes --reason=of_kim@example.com": (2, "it takes no e-mail address"),
    "erase SESSION --reason=because": (2, "repeat this with --yes"),
    f"{ERASE} nobody": (2, "nobody"),
    f"{ERASE} {uuid4()}": (2, "does not exist"),
    f"{ERASE} 99999999": (2, "99999999"),
    f"{ERASE} {HUGE}": (2, "999"),
    f"{ERASE} -- -1": (2, "-1"),
    f"{ERASE} account:a1": (2, "account:a1 is no session"),
    f"{ERASE} principal:kim": (2, "principal:kim is no session"),
    f"{ERASE} audit:kim": (2, "audit:kim"),
    f"{ERASE} hold:SESSION": (2, "hold:"),
    f"{ERASE} SESSION nobody": (2, "nobody"),
    f"{ERASE} SESSION account:a1": (2, "account:a1 is no session"),
    f"{ERASE} HELD": (2, "is on hold"),
    f"{ERASE} SESSION HELD": (2, "is on hold"),
    f"{ERASE} SESSION --subject=nobody": (2, "'nobody' is not one of"),
    f"{ERASE} SESSION --person=kim@example.com": (2, "Give either sessions, --person or"),
    f"{ERASE} --person=kim@example.com --subject=agent": (2, "--subject is for sessions"),
    f"{ERASE} --person=kim": (2, "email takes an address"),
    f"{ERASE} --person=": (2, "--person"),
    f"{ERASE} --person={LONG}@example.com": (2, "--person"),
    f"{ERASE} SESSION --approved-by=nobody": (2, "approvedBy takes the name of another user"),
    f"{ERASE} SESSION --approved-by=kim": (2, "approvedBy takes the name of another user"),
    f"{ERASE} SESSION --approved-by=": (2, "--approved-by"),
    f"{ERASE} SESSION -o none/out": (2, "none/out cannot be written"),
    f"{ERASE} SESSION -o .": (2, "is a directory"),
    f"{ERASE} SESSION --backup-horizon=-1": (2, "-1"),
    f"{ERASE} SESSION --backup-horizon=x": (2, "is not a valid integer"),
    f"{ERASE} SESSION --erasures-to=none/list": (2, "there is no such folder"),
    f"{ERASE} SESSION --erasures-to=/dev/full": (2, "so nothing is erased"),
    f"{LIST}=none": (2, "does not exist"),
    f"{LIST}=/proc/self/mem": (2, "cannot be read"),
    f"{LIST}=/dev/zero": (2, "is no list of erasures"),
    f"{LIST}=loop": (2, "does not exist"),
    f"{LIST}=foreign --reason=x": (2, "takes neither --reason nor --approved-by"),
    f"{LIST}=foreign SESSION": (2, "Give either sessions, --person or --from-list"),
    f"{LIST}=foreign": (1, "The list has erasures of of-another-log"),
    f"{LIST}=noise": (1, "Line 1 of noise is not of an erasure"),
    f"{LIST}=lines": (1, "Line 2 of lines is not of an erasure"),
    f"{LIST}=folder": (1, "folder/b.jsonl is not of an erasure"),
    f"{LIST}=unknown": (0, "0 sessions of the list; 0 were erased here, 1 are not here"),
    f"{LIST}=wrong": (1, "Line 1 of wrong is not of an erasure"),
    f"{LIST}=account": (1, "account:a1 of the list is no session"),
    "erase --from-list=foreign": (2, "repeat this with --yes"),
    "restore none --erasures=none": (2, "none"),
    "subject": (2, "--reason"),
    "subject --reason=x": (2, "Give an e-mail address, a phone number or a name"),
    "subject kim --reason=x": (2, "email takes an address"),
    f"subject {LONG}@example.com --reason=x": (2, "printable characters"),
    "subject kim@example.com --reason=": (2, "--reason"),
    f"subject kim@example.com --reason={LONG}": (2, "--reason"),
    "subject --phone=1 --reason=x": (2, "phone takes"),
    "subject --name=_ --reason=x": (2, "--name"),
    "subject kim@example.com --reason=x -o none/out": (2, "none/out cannot be made"),
    "subject kim@example.com --reason=x -o .": (2, "is a directory"),
    "subject kim@example.com --reason=x -o noise": (2, "noise exists"),
    "subject kim@example.com --reason=x --output=csv": (2, "'csv' is not one of"),
    "subject kim@example.com --reason=x --server=http://127.0.0.1:9": (2, "two places"),
    "hold add nobody --reason=x": (2, "nobody"),
    f"hold add {HUGE} --reason=x": (2, "999"),
    "hold add principal:kim --reason=x": (2, "principal:kim"),
    "hold add account:nobody --reason=x": (2, "account:nobody"),
    "hold add SESSION": (2, "--reason"),
    "hold add SESSION --reason=": (2, "--reason"),
    f"hold add SESSION --reason={LONG}": (2, "--reason"),
    "hold add HELD --reason=x": (2, "exists already"),
    "hold remove SESSION --reason=x": (2, "does not exist"),
    "hold remove account:a1 --reason=x": (2, "does not exist"),
    "retain": (2, "until --retain DAYS is given"),
    "retain --retain=0": (2, "0"),
    "retain --retain=-1": (2, "-1"),
    "retain --retain=x": (2, "is not a valid integer"),
    "retain --retain=99999999": (2, "99999999"),
    "retain --retain=30": (2, "Nothing is erased by policy before 183 days"),
    "retain --retain=30 --retention-floor=31": (2, "before 31 days"),
    "retain --retain=30 --retention-floor=-1": (2, "-1"),
    "receipts show nobody": (2, "nobody"),
    f"receipts show {uuid4()}": (2, "does not exist"),
    f"receipts show {HUGE}": (2, "999"),
    "receipts show -o none/out": (2, "none/out cannot be written"),
    "receipts show -o .": (2, "is a directory"),
    "keys retire-backups": (2, "--backup-keys FOLDER"),
    "keys retire-backups --backup-keys=none": (2, "does not exist"),
    "keys retire-backups --backup-keys=noise": (2, "is a file"),
    "keys retire-backups --backup-keys=keys": (2, "is no key of a backup"),
}


@pytest.fixture
async def held(service: Service) -> Held:
    return await holding(service)


def bring(folder: Path, log: str) -> None:
    """Write what the commands name."""
    line = {
        "form": "sessionary/erasure/v1", "log": log, "erasureId": str(uuid4()),
        "sessionId": "7", "stream": str(uuid4()), "firstEventId": str(uuid4()),
        "subjects": ["customer"], "listedAt": "2026-11-21T10:00:00Z",
    }  # fmt: skip
    text = json.dumps(line).encode()
    for name in ("folder", "keys"):
        (folder / name).mkdir()
    for file, data in {
        "foreign": json.dumps(line | {"log": "of-another-log"}).encode() + b"\n",
        "noise": b"\xff\0\n",
        "lines": text + b"\nnot a line\n" + text[:50],
        "folder/a.jsonl": text + b"\n",
        "folder/b.jsonl": b"{}\n",
        "unknown": text + b"\n",
        "wrong": json.dumps(line | {"subjects": ["nobody"]}).encode() + b"\n",
        "keys/a.key.json": b"{}",
    }.items():
        (folder / file).write_bytes(data)
    (folder / "keys/a.key.json").chmod(0o600)
    (folder / "loop").symlink_to("loop")
    database.write_master_key(folder / "master.key")


def run(url: str, *arguments: str) -> Result:
    place = [f"--database-url={url}", "--data-dir=.", "--allow-unsafe-database"]
    if "--" in arguments:
        at = arguments.index("--")
        return CliRunner().invoke(main, [*arguments[:at], *place, *arguments[at:]])
    return CliRunner().invoke(main, [*arguments, *place])


@pytest.fixture
async def brought(held: Held, service: Service, owner: asyncpg.Connection, tmp_path: Path) -> Path:
    """A folder with what the commands name."""
    (row,) = await service.pool.ask("SELECT value FROM log_setting WHERE name = 'log_name'")
    bring(tmp_path, row["value"])
    await users.add(Connection(owner), "kim", ["Agent"], None)
    await list_account(service, tmp_path)
    return tmp_path


@pytest.mark.parametrize("partitions", [1])
def test_commands_say_what_is_wrong_and_erase_nothing(
    brought: Path, held: Held, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(brought)
    for line, (code, words) in COMMANDS.items():
        named = line.replace("SESSION", held.session).replace("HELD", held.held)
        ended = run(database_url, *(each.replace("_", " ") for each in named.split()))
        about = (line, ended.exit_code, ended.output)
        assert (ended.exit_code, words in ended.output) == (code, True), about
        assert "Traceback" not in ended.output, about
        assert CANARY not in ended.output, about
    asyncio.run(intact(database_url, held))


async def list_account(service: Service, folder: Path) -> None:
    """Write a list that names an account as if it was a session."""
    account = await session_named(service.reader, "account:a1")
    (known,) = await known_streams(service.pool, service.log.partitions, [account.stream])
    line = json.loads((folder / "unknown").read_bytes())
    line |= {"stream": str(account.stream), "firstEventId": str(known["first_event_id"])}
    (folder / "account").write_bytes(json.dumps(line).encode() + b"\n")


@pytest.mark.parametrize("partitions", [1])
def test_a_receipt_that_cannot_be_written_is_there_when_it_is_asked_for_again(
    brought: Path, held: Held, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(brought)
    place = [f"--database-url={database_url}", "--data-dir=.", "--allow-unsafe-database"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [PROGRAM, *f"{ERASE} {held.session}".split(), *place],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=clean_environment(),
        )  # fmt: skip
    assert (done.returncode, "cannot be written" in done.stderr) == (74, True), done.stderr
    assert "Traceback" not in done.stderr
    (receipt,) = json.loads(run(database_url, "receipts", "list", "--output=json").stdout)[
        "receipts"
    ]
    assert (receipt["reason"], receipt["sessions"]) == ("because", 1)
