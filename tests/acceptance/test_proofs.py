"""Checkpoints, proofs and `verify` as auditors use them: over the database and over HTTP."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess, service, sessionary
from support.story import issue_token

from app.proof.given import notes_in
from app.proof.verifier import (
    Checkpoint,
    TlogProof,
    VerifierKey,
    leaf_hash,
    parse_note,
    verify_inclusion,
)


@pytest.fixture(scope="module")
def served() -> Iterator[ServiceProcess]:
    """A service with a session, whose events are covered soon."""
    with service("--checkpoint-every=0.5") as process:
        yield process


@pytest.fixture(scope="module")
def session(served: ServiceProcess) -> str:
    with httpx.Client(base_url=served.base_url, auth=ADMIN, timeout=patient(30.0)) as client:
        made: str = client.post("/ai/sessions", json={"purpose": "x"}).json()["id"]
        for number in range(5):
            client.patch(f"/ai/sessions/{made}", json={"purpose": str(number)})
        end = time.monotonic() + patient(20.0)
        while time.monotonic() < end:
            scraped = client.get("/metrics").text
            if "sessionary_checkpoint_age_seconds 0.0" in scraped:
                break
            time.sleep(0.2)
    return made


@pytest.fixture(scope="module")
def remote(
    served: ServiceProcess, session: str, tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    """The options that name the service."""
    added = served.command("users", "add", "ann", "--role=Auditor")
    assert added.returncode == 0, added.stderr
    file = tmp_path_factory.mktemp("token") / "token"
    issue_token(served, "ann", file)
    return [f"--server={served.base_url}", f"--token-file={file}"]


def done(served: ServiceProcess, *arguments: str) -> str:
    ended = served.command(*arguments)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_both_ways_show_the_same(
    served: ServiceProcess, session: str, remote: list[str], tmp_path: Path
) -> None:
    for command in (("checkpoint", "key"), ("checkpoint", "export"), ("checkpoint", "show")):
        over_http = sessionary(*command, *remote)
        assert over_http.returncode == 0, over_http.stderr
        key = VerifierKey.parse(done(served, "checkpoint", "key").strip())
        if command[1] == "key":
            assert over_http.stdout.strip() == str(key)
        else:
            note = parse_note(over_http.stdout.encode())
            assert list(note.verified_by([key])) == [key]
    for what in (session, "0:2"):
        for way in ([f"--data-dir={served.data_dir}"], remote):
            ended = sessionary("prove", what, "-o", str(tmp_path / "proof"), *way)
            assert ended.returncode == 0, ended.stderr
            require_proofs((tmp_path / "proof").read_bytes(), key, 6 if what == session else 1)


def require_proofs(data: bytes, key: VerifierKey, count: int) -> None:
    parts = [b"c2sp.org" + each for each in data.split(b"c2sp.org")[1:]]
    assert len(parts) == count
    for part in parts:
        proof = TlogProof.parse(part)
        proof.note.verified_by([key])
        checkpoint = Checkpoint.parse(proof.note.text)
        assert proof.extra is not None
        verify_inclusion(
            leaf_hash(proof.extra), proof.leaf_index, checkpoint.size, proof.hashes, checkpoint.root
        )


def test_what_is_not_there_is_refused(
    served: ServiceProcess, session: str, remote: list[str], tmp_path: Path
) -> None:
    file = str(tmp_path / "proof")
    for way in ([f"--data-dir={served.data_dir}"], remote):
        for wrong in (("prove", "0:99999", "-o", file), ("prove", "nobody", "-o", file),
                      ("checkpoint", "show", "--partition=7"),
                      ("checkpoint", "show", "--size=99999")):  # fmt: skip
            ended = sessionary(*wrong, *way)
            assert ended.returncode == 2, (wrong, ended.stdout, ended.stderr)
            assert "Traceback" not in ended.stderr


def test_verify_tells_what_it_checked_and_what_not(
    served: ServiceProcess, session: str, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    done(served, "checkpoint", "export", "--now", str(kept))
    (tmp_path / "key").write_text(done(served, "checkpoint", "key"))
    options = (f"--checkpoint={kept}", f"--key={tmp_path / 'key'}", "--output=json")
    told = json.loads(done(served, "verify", *options))
    assert (told["ok"], told["firstBadPosition"], told["differences"]) == (True, None, [])
    assert any("were read and hashed again" in each for each in told["checked"])
    assert not any("--checkpoint" in each or "--key" in each for each in told["notChecked"])
    told = json.loads(done(served, "verify", "--proof", "--output=json"))
    assert any("--checkpoint" in each for each in told["notChecked"])
    assert any("Views: not asked for" in each for each in told["notChecked"])
    told = json.loads(done(served, "verify", "--views", "--output=json"))
    assert any("taken as it is" in each for each in told["notChecked"])
    told = json.loads(done(served, "verify", "--proof", "--since=0:3", "--output=json"))
    assert any("were not read again" in each for each in told["notChecked"])


@pytest.mark.parametrize("altered", ["size", "root", "signature", "origin", "nothing"])
def test_a_checkpoint_that_was_altered_shows_nothing(
    served: ServiceProcess, session: str, tmp_path: Path, altered: str
) -> None:
    key = done(served, "checkpoint", "key").strip()
    lines = done(served, "checkpoint", "export").split("\n")
    match altered:
        case "size":
            lines[1] = "1"
        case "root":
            lines[2] = "A" + lines[2][1:] if lines[2][0] != "A" else "B" + lines[2][1:]
        case "signature":
            lines[4] = lines[4][:-10] + "AAAAAAA" + lines[4][-3:]
        case "origin":
            lines[0] = "other/0"
    (kept := tmp_path / "kept").write_text("\n".join(lines))
    ended = served.command("verify", f"--checkpoint={kept}", f"--key={key}", "--proof")
    assert ended.returncode == (0 if altered == "nothing" else 1), ended.stderr
    assert "Traceback" not in ended.stderr
    assert (str(kept) in ended.stdout) == (altered != "nothing")


def test_a_new_key_signs_with_the_old_one_once(served: ServiceProcess, session: str) -> None:
    (before,) = done(served, "checkpoint", "key").split()
    (after,) = done(served, "checkpoint", "rotate-key").split()
    assert before != after
    assert done(served, "checkpoint", "key").split() == [after]
    former = done(served, "checkpoint", "key", "--former").split()
    assert former == [after, before]
    found = parse_note(done(served, "checkpoint", "show").encode())
    assert len(found.verified_by(map(VerifierKey.parse, former))) == 2
    assert "differences" not in done(served, "verify", "--proof")


def test_notes_are_told_apart() -> None:
    one = "a/0\n1\nAAAA\n\n— a/0 AAAAAAA=\n".encode()
    two = "a/1\n2\nAAAA\nmore\n\n— a/1 AAAAAAA=\n— w BBBB\n".encode()
    assert notes_in(one + two + one) == [one, two, one]
    assert notes_in(one + b"\n" + two + b"\n") == [one, two]
    assert notes_in(one) == [one]
    assert notes_in(b"nonsense") == [b"nonsense"]
