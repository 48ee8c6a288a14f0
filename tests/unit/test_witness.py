"""A witness: every status of C2SP's tlog-witness, and that it never goes back."""

import base64
import hashlib
import sqlite3
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from support.signed_log import SignedLog

from app.maintenance.secret_file import UnusableFile
from app.proof.cosigner import Cosigner, cosigners
from app.proof.notes import COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44, Checkpoint, parse_note
from app.proof.witness import Witness, followed
from app.proof.witness_request import (
    MAX_BODY_BYTES,
    AddCheckpoint,
    OtherSize,
    format_add_checkpoint,
)
from app.proof.witness_server import WitnessServer
from app.proof.witness_state import FILE, WitnessState

NOW = 1_800_000_000
LOG = SignedLog([str(number) for number in range(40)])
FORK = SignedLog([str(number) if number < 5 else f"-{number}" for number in range(40)])
STRANGER = SignedLog(["a"], seed=2)
UNKNOWN = SignedLog(["a"], origin="other.example/0")
HASH = base64.b64encode(bytes(32)).decode()


def opened(folder: Path, *, ml_dsa: bool = False) -> tuple[Witness, list[Cosigner], WitnessState]:
    state = WitnessState(folder)
    keys = list(cosigners(state, None, ml_dsa=ml_dsa))
    logs = followed([str(LOG.key), str(SignedLog([], "log.example/1").key)])
    return Witness(state, keys, logs, lambda: NOW), keys, state


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Calls a fresh witness."""
    witness, _, state = opened(tmp_path)
    transport = httpx.ASGITransport(WitnessServer(witness))
    async with httpx.AsyncClient(transport=transport, base_url="http://witness") as client:
        yield client
    state.close()


async def post(asked: httpx.AsyncClient, body: bytes) -> tuple[int, str]:
    answer = await asked.post("/add-checkpoint", content=body)
    return answer.status_code, answer.text


async def test_it_cosigns_what_goes_on_and_its_keys_verify_that(tmp_path: Path) -> None:
    witness, keys, state = opened(tmp_path, ml_dsa=True)
    assert [each.key.type for each in keys] == [COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44]
    for old, new in ((0, 7), (7, 7), (7, 8), (8, 31), (31, 32), (32, 40)):
        lines = witness.add_checkpoint(LOG.request(old, new))
        note = parse_note(f"{LOG.note(new)}{lines}".encode())
        times = note.verified_by([LOG.key, *(each.key for each in keys)])
        assert times == {LOG.key: None, keys[0].key: NOW, keys[1].key: NOW}
    state.close()


async def test_an_empty_tree_is_cosigned_and_goes_on(asked: httpx.AsyncClient) -> None:
    assert (await post(asked, LOG.request(0, 0)))[0] == 200
    assert (await post(asked, LOG.request(0, 3)))[0] == 200


async def test_another_old_size_is_answered_with_the_known_one(asked: httpx.AsyncClient) -> None:
    assert await post(asked, LOG.request(1, 7)) == (409, "0\n")
    assert (await post(asked, LOG.request(0, 7)))[0] == 200
    for old, new in ((0, 8), (6, 8), (8, 8), (0, 6), (6, 6)):
        answer = await asked.post("/add-checkpoint", content=LOG.request(old, new))
        assert (answer.status_code, answer.text) == (409, "7\n")
        assert answer.headers["content-type"] == "text/x.tlog.size"


async def test_a_log_is_followed_apart_from_others(asked: httpx.AsyncClient) -> None:
    other = SignedLog(["x", "y"], "log.example/1")
    assert (await post(asked, LOG.request(0, 7)))[0] == 200
    assert (await post(asked, other.request(0, 1)))[0] == 200
    assert (await post(asked, other.request(1, 2)))[0] == 200


async def test_what_does_not_go_on_is_refused(asked: httpx.AsyncClient) -> None:
    assert (await post(asked, LOG.request(0, 7)))[0] == 200
    shown = await post(asked, FORK.request(7, 12))
    assert shown[0] == 422
    assert "beginning" in shown[1]
    assert (await post(asked, FORK.request(7, 7)))[0] == 422  # a split view
    wrong = format_add_checkpoint(AddCheckpoint(7, (bytes(32),), str(LOG.note(7))))
    assert (await post(asked, wrong))[0] == 422
    lacking = format_add_checkpoint(AddCheckpoint(7, (), str(LOG.note(12))))
    assert (await post(asked, lacking))[0] == 422
    assert (await post(asked, LOG.request(7, 12)))[0] == 200


async def test_a_proof_from_nothing_is_refused(asked: httpx.AsyncClient) -> None:
    proven = format_add_checkpoint(AddCheckpoint(0, (bytes(32),), str(LOG.note(7))))
    assert (await post(asked, proven))[0] == 422


async def test_an_empty_tree_with_another_root_is_refused(asked: httpx.AsyncClient) -> None:
    note = LOG.signed(str(Checkpoint(LOG.key.name, 0, bytes(32))))
    assert (await post(asked, format_add_checkpoint(AddCheckpoint(0, (), str(note)))))[0] == 422


async def test_an_unknown_log_is_not_found(asked: httpx.AsyncClient) -> None:
    assert (await post(asked, UNKNOWN.request(0, 1)))[0] == 404


async def test_other_keys_are_refused_and_ignored_beside_a_known_one(
    asked: httpx.AsyncClient,
) -> None:
    text = LOG.note(7).text
    foreign, own = STRANGER.signed(text).signatures, LOG.signed(text).signatures
    alone = parse_note(f"{text}\n{foreign[0]}".encode())
    assert (await post(asked, format_add_checkpoint(AddCheckpoint(0, (), str(alone)))))[0] == 403
    forged = own[0]._replace(value=bytes(64))
    broken = alone._replace(signatures=(forged,))
    assert (await post(asked, format_add_checkpoint(AddCheckpoint(0, (), str(broken)))))[0] == 403
    both = alone._replace(signatures=(*foreign, *own))
    assert (await post(asked, format_add_checkpoint(AddCheckpoint(0, (), str(both)))))[0] == 200
    kept = await asked.get(f"/{hashlib.sha256(LOG.key.name.encode()).hexdigest()}/checkpoint")
    assert {each.key_id for each in parse_note(kept.content).signatures} >= {own[0].key_id}
    assert foreign[0].key_id not in {each.key_id for each in parse_note(kept.content).signatures}


NOTE = str(LOG.note(7))
END = "\n"
ZEROS = str(LOG.signed(LOG.note(7).text.replace(f"{END}7{END}", f"{END}07{END}")))
MALFORMED = {
    "nothing": "",
    "no empty line": f"old 0\n{NOTE[20:40]}",
    "no note": "old 0\n\n",
    "no old size": f"\n\n{NOTE}",
    "another word": f"new 0\n\n{NOTE}",
    "two spaces": f"old  0\n\n{NOTE}",
    "a leading zero": f"old 00\n\n{NOTE}",
    "a sign": f"old -1\n\n{NOTE}",
    "other digits": f"old \u0661\n\n{NOTE}",
    "a huge size": f"old {2**63}\n\n{NOTE}",
    "a size of many digits": f"old {'9' * 5000}\n\n{NOTE}",
    "a carriage return": f"old 0\r\n\r\n{NOTE}",
    "a short hash": f"old 0\n{HASH[:40]}\n\n{NOTE}",
    "a hash of other letters": f"old 0\n{'-' * 44}\n\n{NOTE}",
    "another spelling of a hash": f"old 0\n{HASH[:42]}B=\n\n{NOTE}",
    "64 hashes": "old 0\n" + f"{HASH}\n" * 64 + f"\n{NOTE}",
    "an old size beyond the new one": f"old 8\n\n{NOTE}",
    "a note without a signature": f"old 0\n\n{LOG.note(7).text}\n",
    "a note that does not end": f"old 0\n\n{NOTE[:-1]}",
    "a size with a leading zero": f"old 0\n\n{ZEROS}",
    "a note of something else": f"old 0\n\n{LOG.signed(LOG.key.name + END)}",
    "a control character": f"old 0\n\n{NOTE.replace('example', 'ex' + chr(7) + 'mple')}",
}  # fmt: skip


@pytest.mark.parametrize("what", MALFORMED)
async def test_what_is_no_request_is_refused(asked: httpx.AsyncClient, what: str) -> None:
    status, said = await post(asked, MALFORMED[what].encode())
    assert (status, said.endswith("\n")) == (400, True)


async def test_bytes_that_are_no_text_are_refused(asked: httpx.AsyncClient) -> None:
    assert (await post(asked, b"old 0\n\n\xff"))[0] == 400
    assert (await post(asked, b"\x00" * 100))[0] == 400


async def test_a_large_body_is_refused_and_a_note_of_many_signatures_is_not(
    asked: httpx.AsyncClient,
) -> None:
    assert (await post(asked, b"a" * (MAX_BODY_BYTES + 1)))[0] == 413
    own = LOG.note(7)
    many = [own.signatures[0]._replace(name=f"w{n}", value=bytes(2428)) for n in range(16)]
    note = own._replace(signatures=(*many, *own.signatures))
    assert (await post(asked, format_add_checkpoint(AddCheckpoint(0, (), str(note)))))[0] == 200


async def test_monitors_get_the_last_cosigned_checkpoint(asked: httpx.AsyncClient) -> None:
    path = f"/{hashlib.sha256(LOG.key.name.encode()).hexdigest()}/checkpoint"
    assert (await asked.get(path)).status_code == 404
    _, lines = await post(asked, LOG.request(0, 7))
    assert (await asked.get(path)).text == f"{LOG.note(7)}{lines}"
    _, lines = await post(asked, LOG.request(7, 9))
    assert (await asked.get(path)).text == f"{LOG.note(9)}{lines}"


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("GET", "/", 404), ("GET", "/add-checkpoint", 405), ("POST", "/sign-subtree", 404),
        ("POST", "/health/live", 405), ("GET", "/health/live", 200), ("HEAD", "/health/ready", 200),
        ("GET", f"/{'A' * 64}/checkpoint", 404), ("PUT", f"/{'a' * 64}/checkpoint", 405),
    ],
)  # fmt: skip
async def test_other_routes(asked: httpx.AsyncClient, verb: str, path: str, status: int) -> None:
    answer = await asked.request(verb, path)
    assert answer.status_code == status
    assert ("allow" in answer.headers) == (status == 405)


async def test_it_remembers_when_it_is_opened_anew(tmp_path: Path) -> None:
    first, keys, state = opened(tmp_path)
    first.add_checkpoint(LOG.request(0, 7))
    state.close()
    again, same, state = opened(tmp_path)
    assert [each.key for each in same] == [each.key for each in keys]
    server = WitnessServer(again)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(server), base_url="http://witness"
    ) as client:
        assert await post(client, FORK.request(0, 12)) == (409, "7\n")
    state.close()


def test_of_racing_requests_one_is_cosigned_and_the_size_never_falls(tmp_path: Path) -> None:
    """Two processes may work on one folder: here, two witnesses."""
    pair = [opened(tmp_path) for _ in range(2)]
    cosigned: list[int] = []

    def ask(number: int) -> None:
        witness = pair[number % 2][0]
        known = 0
        for new in range(1, 21):
            try:
                witness.add_checkpoint(LOG.request(known, max(known, new)))
            except OtherSize as refused:
                known = int(str(refused))
            else:
                known = max(known, new)
                cosigned.append(known)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(ask, range(4)))
    assert max(cosigned) == 20
    note = pair[0][0].note(hashlib.sha256(LOG.key.name.encode()).hexdigest())
    assert note is not None
    assert Checkpoint.parse(parse_note(note.encode()).text).size == 20
    for _, _, state in pair:
        state.close()


async def test_what_cannot_be_kept_is_not_cosigned(tmp_path: Path) -> None:
    witness, _, state = opened(tmp_path)
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    state._database.execute("PRAGMA busy_timeout = 50")
    other.execute("BEGIN EXCLUSIVE")
    transport = httpx.ASGITransport(WitnessServer(witness))
    async with httpx.AsyncClient(transport=transport, base_url="http://witness") as client:
        answer = await client.post("/add-checkpoint", content=LOG.request(0, 7))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert (await client.get("/health/ready")).status_code == 503
        assert (await client.get("/health/live")).status_code == 200
        other.execute("ROLLBACK")
        assert (await client.get("/health/ready")).status_code == 200
        assert (await post(client, LOG.request(0, 7)))[0] == 200
    other.close()
    state.close()


def test_its_file_is_its_own(tmp_path: Path) -> None:
    opened(tmp_path / "w")[2].close()
    assert (tmp_path / "w").stat().st_mode & 0o077 == 0
    assert (tmp_path / "w" / FILE).stat().st_mode & 0o777 == 0o600
    (tmp_path / "w" / FILE).chmod(0o640)
    with pytest.raises(UnusableFile, match="chmod 600"):
        WitnessState(tmp_path / "w")


@pytest.mark.parametrize("name", ["", "a b", "a+b", "x" * 256])
def test_names_that_no_key_has_are_refused(tmp_path: Path, name: str) -> None:
    state = WitnessState(tmp_path)
    with pytest.raises(UnusableFile):
        cosigners(state, name, ml_dsa=False)
    state.close()
