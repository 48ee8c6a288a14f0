"""Commands that care for the log are killed anywhere, beside a service that works on."""

import random
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.patience import patient
from support.service_process import ADMIN, PROGRAM, ServiceProcess, service

_KILLS = 4


def _sessionary(served: ServiceProcess | Path, *arguments: str) -> list[str]:
    folder = served if isinstance(served, Path) else served.data_dir
    return [PROGRAM, *arguments, f"--data-dir={folder}"]


def _killed_until_done(command: list[str], seconds: float, result: Path | None = None) -> None:
    """Run a command again and again, killed at other moments, until it is let end.

    `result` is a file that stands under its name only when it is whole: a command that was killed
    after it, and before its process ended, has done its work, and refuses to write it again.
    """
    chance = random.Random(7)
    for _ in range(_KILLS):
        running = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.3, seconds))  # the moment of the kill
        running.kill()
        ended = running.wait() == 0
        if ended or (result is not None and result.exists()):  # it had done its work before
            return
    _done(command)


def _done(command: list[str]) -> None:
    ended = subprocess.run(
        command, check=False, timeout=patient(120), capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr


@pytest.fixture
def served() -> Iterator[ServiceProcess]:
    with service("--workers=2") as running:
        yield running


def test_the_key_is_changed_under_clients_and_no_request_fails(served: ServiceProcess) -> None:
    new = served.data_dir / "new.key"
    failed: list[str] = []
    made: list[str] = []
    done = threading.Event()

    def work() -> None:
        with httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=patient(30)) as client:
            while not done.is_set():
                answer = client.post("/ai/sessions", json={"purpose": "sealed"})
                if answer.status_code in (200, 201):
                    session = answer.json()["id"]
                    made.append(session)
                    answer = client.patch(f"/ai/sessions/{session}", json={"purpose": "again"})
                if answer.status_code >= 400:
                    failed.append(answer.text)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for each in workers:
        each.start()
    try:
        _killed_until_done(_sessionary(served, "keys", "rotate", f"--new-key-file={new}"), 8.0)
    finally:
        done.set()
        for each in workers:
            each.join()
    assert (failed, len(made) > 0) == ([], True)
    with_new = [*_sessionary(served, "verify"), f"--master-key-file={new}"]
    _done(with_new)
    old = subprocess.run(_sessionary(served, "verify"), check=False, capture_output=True)
    assert old.returncode == 2


def test_an_export_and_an_import_that_are_killed_end_as_one_log(served: ServiceProcess) -> None:
    with httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=patient(30)) as client:
        for _ in range(300):
            assert client.post("/ai/sessions", json={"purpose": "p"}).status_code < 300
    first, again = served.data_dir / "a.ndjson.zst", served.data_dir / "b.ndjson"
    _killed_until_done(_sessionary(served, "export", str(first)), 1.5, result=first)
    other = served.data_dir / "other"
    other.mkdir()
    (other / "master.key").touch(0o600)
    (other / "master.key").write_text((served.data_dir / "master.key").read_text())
    _killed_until_done(_sessionary(other, "import", str(first)), 4.0)
    _done(_sessionary(other, "import", str(first)))  # as one who was killed too late to see it end
    _done(_sessionary(other, "verify"))
    _done(_sessionary(other, "export", str(again)))
    whole = again.read_text().splitlines()
    assert sum('"ai_session.created' in line for line in whole) == 300
