"""On the command line: a sealed backup, an erasure, a restore with the list of erasures."""

import json
from pathlib import Path

import httpx
import pytest
from support.service_process import ADMIN, ServiceProcess, data_directory, service, sessionary

from app.care import backup_keys

CANARY = "qzx31337v"
REASON = "asked for it"
DEE = ("dee", "right as rain")


def opened(client: httpx.Client, purpose: str) -> str:
    answer = client.post("/ai/sessions", json={"purpose": purpose})
    assert answer.is_success, answer.text
    return str(answer.json()["id"])


def erase(served: ServiceProcess, session: str) -> httpx.Response:
    added = served.command(
        "users", "add", DEE[0], "--role", "DataProtection", "--password-stdin", stdin=DEE[1]
    )
    assert added.returncode == 0, added.stderr
    with httpx.Client(base_url=served.base_url, auth=DEE, timeout=30) as dee:
        path = f"/audit/sessions/{session}/personal-data"
        return dee.request("DELETE", path, json={"reason": REASON})


def test_a_person_stays_forgotten(tmp_path: Path) -> None:
    kept, keys, dump = tmp_path / "erasures", tmp_path / "keys", tmp_path / "backup"
    kept.mkdir()
    keys.mkdir()
    with service("--workers=2", f"--erasures-to={kept}") as served:
        with httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=30) as client:
            first, other = opened(client, f"call {CANARY}"), opened(client, f"call {CANARY}")
            made = served.command("backup", "-o", str(dump), f"--backup-keys={keys}")
            assert made.returncode == 0, made.stderr
        assert erase(served, first).is_success
        by_command = served.command(
            "erase", other, "--reason", REASON, "--yes", f"--erasures-to={kept}"
        )
        assert by_command.returncode == 0, by_command.stderr
        assert served.stop() == 0, served.log
        with data_directory() as folder:
            data = folder / "data"
            data.mkdir(mode=0o700)
            (data / "master.key").touch(0o600)
            (data / "master.key").write_bytes((served.data_dir / "master.key").read_bytes())
            _restored(data, kept, keys, dump)


def _restored(data: Path, kept: Path, keys: Path, dump: Path) -> None:
    where = ("--data-dir", str(data))
    refused = sessionary("restore", str(dump), "--erasures", str(kept), *where)
    assert (refused.returncode, "--backup-keys" in refused.stderr) == (2, True)
    named = ("--erasures", str(kept), "--backup-keys", str(keys))
    done = sessionary("restore", str(dump), *named, *where)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "Erased again: 2 sessions of the list" in done.stdout
    exported = sessionary("export", "-", "--clear", "--reason", REASON, *where)
    assert exported.returncode == 0, exported.stderr
    assert CANARY not in exported.stdout
    assert exported.stdout.count("personal_data_erased") == 2
    assert sessionary("verify", *where).returncode == 0
    again = sessionary("erase", "--from-list", str(kept), "--yes", *where)
    assert (again.returncode, "2 were erased here" in again.stdout) == (0, True)


def test_a_list_that_cannot_be_written_is_a_503_and_nothing_is_erased(tmp_path: Path) -> None:
    folder = tmp_path / "erasures"
    folder.mkdir()
    with service(f"--erasures-to={folder}") as served:
        with httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=30) as client:
            session = opened(client, CANARY)
            folder.rmdir()
            folder.symlink_to(tmp_path / "gone" / "list")
            answer = erase(served, session)
            assert answer.status_code == 503, answer.text
            assert "nothing is erased" in answer.text
            assert client.get(f"/ai/sessions/{session}").json()["purpose"] == CANARY
        assert served.stop() == 0, served.log


@pytest.mark.parametrize(
    "options",
    [
        ("erase", "--yes"),
        ("erase", "x", "--from-list", ".", "--yes"),
        ("erase", "--from-list", ".", "--reason", "y", "--yes"),
        ("erase", "--from-list", "nowhere", "--yes"),
        ("erase", "x", "--reason", "y", "--yes", "--erasures-to", "nowhere/"),
        ("keys", "backups"),
        ("keys", "retire-backups", "--backup-keys", "nowhere"),
    ],
)
def test_what_makes_no_sense_is_refused(options: tuple[str, ...], tmp_path: Path) -> None:
    refused = sessionary(*options)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr


def test_keys_are_shown_and_destroyed(tmp_path: Path) -> None:
    with service() as served:
        made = served.command(
            "backup", "-o", str(tmp_path / "b"), f"--backup-keys={tmp_path}", "--backup-horizon=0"
        )
        assert made.returncode == 0, made.stderr
        assert "cannot be opened any more" in made.stderr
        more = served.command("backup", "-o", str(tmp_path / "c"), f"--backup-keys={tmp_path}")
        assert more.returncode == 0, more.stderr
        assert json.loads(shown(tmp_path))["keys"][0]["due"] is False
        retired = sessionary("keys", "retire-backups", "--backup-keys", str(tmp_path))
        assert (retired.returncode, retired.stdout) == (0, "")
        due = backup_keys.new(tmp_path, 0)
        away = "--database-url=postgresql://nobody@127.0.0.1:9/none"
        retired = sessionary("keys", "retire-backups", "--backup-keys", str(tmp_path), away)
        assert (retired.returncode, retired.stdout) == (3, f"{due.id}\n"), retired.stderr
        assert f"Not on record yet: {due.id}" in retired.stderr
        again = served.command("keys", "retire-backups", "--backup-keys", str(tmp_path))
        assert (again.returncode, again.stdout) == (0, "")
        status = json.loads(served.command("keys", "status", "--output=json").stdout)
        known = {each["id"]: each["destroyedAt"] is None for each in status["backupKeys"]}
        assert (known[due.id], sorted(known.values())) == (False, [False, False, True])
        assert served.stop() == 0, served.log


def shown(folder: Path) -> str:
    return sessionary("keys", "backups", "--backup-keys", str(folder), "--output=json").stdout
