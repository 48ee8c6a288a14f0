"""Receipts of erasures, from each way to erase, checked by the verifier alone."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cryptography
import httpx
import pytest
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess, service, sessionary

from app.proof.receipt import parse_receipts, show_receipt
from app.proof.verifier import Unproven, VerifierKey

PASSWORD = "right as rain"
REASON = "asked for it on the phone"
PACKAGES = Path(cryptography.__file__).parents[1]
USERS = {"dee": "DataProtection", "ann": "Auditor", "max": "Operator"}


@pytest.fixture(scope="module")
def served() -> Iterator[ServiceProcess]:
    with service("--workers=2", "--backup-horizon=7") as served:
        for name, role in USERS.items():
            added = served.command(
                "users", "add", name, "--role", role, "--password-stdin", stdin=PASSWORD
            )
            assert added.returncode == 0, added.stderr
        yield served
        assert served.stop() == 0, served.log


def caller(served: ServiceProcess, name: str = "") -> httpx.Client:
    who = (name, PASSWORD) if name else ADMIN
    return httpx.Client(base_url=served.base_url, auth=who, timeout=patient(60.0))


def session(served: ServiceProcess, canary: str) -> str:
    """An AI session that holds something on a person."""
    with caller(served) as client:
        made = client.post("/ai/sessions", json={"purpose": f"Call {canary}@people.example"})
        return str(made.json()["id"])


def by_delete(served: ServiceProcess, canary: str) -> bytes:
    path = f"/audit/sessions/{session(served, canary)}/personal-data"
    with caller(served, "dee") as dee:
        done = dee.request("DELETE", path, json={"reason": REASON})
    assert done.status_code == 200, done.text
    assert done.headers["content-type"].startswith("application/json")
    return done.content


def by_post(served: ServiceProcess, canary: str) -> bytes:
    with caller(served) as client:
        new = {"Status": "InQueue", "CustomerName": canary, "CustomerEmail": f"{canary}@e.example"}
        assert client.post("/api/v1/ChatSession", json=new).is_success
    with caller(served, "dee") as dee:
        asked = {"email": f"{canary}@e.example", "reason": REASON}
        done = dee.post("/audit/people/erase", json=asked)
    assert done.status_code == 200, done.text
    assert len(done.json()["sessions"]) == 1
    return done.content


def by_command(served: ServiceProcess, canary: str) -> bytes:
    name = session(served, canary)
    done = served.command("erase", name, "--reason", REASON, "--yes", "--backup-horizon=7")
    assert done.returncode == 0, done.stderr
    return done.stdout.encode()


def by_command_to_a_file(served: ServiceProcess, canary: str) -> bytes:
    name, file = session(served, canary), f"/tmp/{canary}.receipt"
    asked = ("erase", name, "--reason", REASON, "--yes", "--backup-horizon=7", "-o", file)
    done = served.command(*asked)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    found = Path(file)
    try:
        return found.read_bytes()
    finally:
        found.unlink()


@pytest.fixture(scope="module")
def alone(served: ServiceProcess, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the verifier that the service hands out, its keys, and `cryptography`."""
    folder = tmp_path_factory.mktemp("alone")
    with caller(served, "ann") as ann:
        (folder / "verifier.py").write_bytes(ann.get("/audit/proof/verifier.py").content)
        made = by_delete(served, "first")
        assert json.loads(made)["sessions"]
        (folder / "keys").write_bytes(ann.get("/audit/checkpoint/key").content)
    for name in ("cryptography", "cffi", "_cffi_backend*"):
        for found in PACKAGES.glob(name):
            (folder / found.name).symlink_to(found)
    return folder


def verified(alone: Path, receipt: bytes) -> subprocess.CompletedProcess[bytes]:
    """By a Python that has nothing of ours, no database and no service."""
    code = (
        "import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p];"
        f"sys.path.insert(0, {str(alone)!r}); import verifier; sys.exit(verifier.main())"
    )
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, "receipt", "-", "--key", str(alone / "keys")],
        cwd=alone, env={}, input=receipt, capture_output=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("way", [by_delete, by_post, by_command, by_command_to_a_file])
def test_a_receipt_is_verified_offline(served: ServiceProcess, alone: Path, way: object) -> None:
    canary = f"qzx{random.randrange(10**9)}v"
    assert callable(way)
    receipt = way(served, canary)
    told = json.loads(receipt)
    assert canary not in str(told)
    assert told["reason"] == REASON
    assert told["backups"]["horizonDays"] == 7
    done = verified(alone, receipt)
    assert done.returncode == 0, done.stdout + done.stderr
    assert b"was erased by event 0:" in done.stdout
    with caller(served, "ann") as ann:
        assert ann.get(f"/audit/receipts/{told['id']}").content == receipt
        assert ann.get("/audit/receipts?limit=1").json()["receipts"][0]["id"] == told["id"]
    shown = served.command("receipts", "show", told["id"])
    assert shown.stdout.encode() == receipt


def test_every_changed_byte_is_found(served: ServiceProcess, alone: Path) -> None:
    receipt = by_delete(served, "bytes")
    keys = [VerifierKey.parse((alone / "keys").read_text().strip())]
    assert show_receipt(parse_receipts(receipt)[0], keys)
    for place in range(len(receipt)):
        other = receipt[:place] + bytes((receipt[place] ^ 4,)) + receipt[place + 1 :]
        with pytest.raises(Unproven):
            [show_receipt(each, keys) for each in parse_receipts(other)]
    other = receipt[:-9] + bytes((receipt[-9] ^ 4,)) + receipt[-8:]
    done = verified(alone, other)
    assert (done.returncode, b"Traceback" in done.stderr) == (1, False)


def test_the_command_that_verifies_checks_receipts_too(
    served: ServiceProcess, alone: Path, tmp_path: Path
) -> None:
    receipt, file = by_delete(served, "checked"), tmp_path / "receipt"
    file.write_bytes(receipt + receipt)
    keys = str(alone / "keys")
    nowhere = ("--database-url", "postgresql://[::1]:1/", "--master-key-file", "/no/file")
    shown = sessionary("verify", "--receipt", str(file), "--key", keys, "--output=json", *nowhere)
    told = json.loads(shown.stdout)
    assert (shown.returncode, told["ok"], len(told["checked"])) == (0, True, 4), shown.stderr
    by_database = served.command("verify", "--receipt", str(file), "--output=json")
    assert by_database.returncode == 0, by_database.stdout + by_database.stderr
    assert "No public key was given" in json.loads(by_database.stdout)["notChecked"][0]
    file.write_bytes(receipt.replace(b"on the phone", b"by a letter!"))
    altered = sessionary("verify", "--receipt", str(file), "--key", keys, *nowhere)
    assert (altered.returncode, "was altered" in altered.stdout) == (1, True), altered.stderr
    wrong = sessionary("verify", "--receipt", str(file), "--key", keys, "--views", *nowhere)
    assert wrong.returncode == 2


def test_receipts_are_listed_for_those_who_protect_data_and_for_auditors(
    served: ServiceProcess,
) -> None:
    made = json.loads(by_delete(served, "listed"))
    with caller(served, "dee") as dee, caller(served, "max") as other:
        first = dee.get("/audit/receipts", params={"limit": 1}).json()
        assert [each["askedBy"] for each in first["receipts"]] == ["dee"]
        assert first["next"] == made["id"]
        rest = dee.get("/audit/receipts", params={"before": first["next"]}).json()
        assert made["id"] not in {each["id"] for each in rest["receipts"]}
        assert other.get("/audit/receipts").status_code == 403
        assert other.get(f"/audit/receipts/{made['id']}").status_code == 403
        for path, status in (
            ("/audit/receipts/no-receipt", 404),
            ("/audit/receipts/0190a000-0000-7000-8000-00000000e4a5", 404),
            ("/audit/receipts?before=x", 400),
            ("/audit/receipts?limit=0", 400),
            ("/audit/receipts?more=1", 400),
        ):
            assert dee.get(path).status_code == status, path
    listed = served.command("receipts", "list", "--output", "json")
    assert json.loads(listed.stdout)["receipts"][0]["id"] == made["id"]
    everything = served.command("receipts", "show")
    lines = everything.stdout.splitlines()
    assert json.loads(lines[-1])["id"] == made["id"]
    assert len(lines) == len(json.loads(listed.stdout)["receipts"])
    for asked in (("receipts", "show", "x"), ("receipts", "show", made["id"], "-o", "/no/file")):
        refused = served.command(*asked)
        assert (refused.returncode, refused.stdout) == (2, ""), refused.stderr


def test_without_a_service_the_command_hashes_what_it_erased() -> None:
    with service("--workers=1") as served:
        name = session(served, "alone")
        assert served.stop() == 0, served.log
        done = served.command("erase", name, "--reason", REASON, "--yes")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["sessions"][0]["proof"] is not None
