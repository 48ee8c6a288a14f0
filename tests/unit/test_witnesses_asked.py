"""The log's side of witnesses: what it sends, what it takes, and that nobody waits for one."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import pytest
from support.signed_log import SignedLog

from app.proof.attempts import Attempts
from app.proof.cosigner import cosigners
from app.proof.notes import Note
from app.proof.trees import Unproven
from app.proof.witness import Witness as ActualWitness
from app.proof.witness import followed
from app.proof.witness_server import WitnessServer
from app.proof.witness_state import WitnessState
from app.proof.witnesses import Witness, Witnesses, witness

LOG = SignedLog([str(number) for number in range(40)])
FORK = SignedLog([f"-{number}" for number in range(40)])


def made(folder: Path, name: str) -> tuple[Witness, WitnessServer]:
    """A witness of LOG, as the log knows it and as it is."""
    state = WitnessState(folder / name)
    keys = cosigners(state, name, ml_dsa=False)
    actual = ActualWitness(state, keys, followed([str(LOG.key)]))
    return witness(f"http://{name}/ {keys[0].key}"), WitnessServer(actual)


class Servers(httpx.AsyncBaseTransport):
    """Each host is a witness, or something else."""

    def __init__(self) -> None:
        self.hosts: dict[str, httpx.AsyncBaseTransport] = {}
        self.asked: list[bytes] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((await request.aread()).partition(b"\n")[0])
        answer = await self.hosts[request.url.host].handle_async_request(request)
        sent = httpx.ByteStream(await answer.aread())  # as from a socket: not read yet
        return httpx.Response(answer.status_code, headers=answer.headers, stream=sent)

    def add(self, folder: Path, name: str) -> Witness:
        known, server = made(folder, name)
        self.hosts[name] = httpx.ASGITransport(server)
        return known

    def add_other(self, folder: Path, answer: Callable[[httpx.Request], httpx.Response]) -> Witness:
        known, _ = made(folder, "other")
        self.hosts["other"] = httpx.MockTransport(answer)
        return known


async def proof(old: int, new: int) -> Sequence[bytes]:
    return LOG.proof(old, new)


async def cosigned(servers: Servers, known: Sequence[Witness], note: Note) -> Note:
    async with httpx.AsyncClient(transport=servers) as client:
        return await Witnesses(known, client).cosigned(note, proof)


async def test_all_cosign_whatever_each_has_seen(tmp_path: Path) -> None:
    servers = Servers()
    known = [servers.add(tmp_path, name) for name in ("w1", "w2")]
    await cosigned(servers, known[:1], LOG.note(7))
    async with httpx.AsyncClient(transport=servers) as client:
        asked = Witnesses(known, client)
        note = LOG.note(12)
        assert asked.lacking(note)
        note = await asked.cosigned(note, proof)
        assert set(note.verified_by([LOG.key, *known[0].keys, *known[1].keys])) == {
            LOG.key, *known[0].keys, *known[1].keys
        }  # fmt: skip
        assert not asked.lacking(note)
        assert await asked.cosigned(note, proof) == note
        servers.asked.clear()
        await asked.cosigned(LOG.note(20), proof)
        assert servers.asked == [b"old 12", b"old 12"]  # each size is remembered


async def test_a_witness_that_is_ahead_gets_no_proof_and_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    servers = Servers()
    known = [servers.add(tmp_path, "w1")]
    await cosigned(servers, known, LOG.note(30))
    assert await cosigned(servers, known, LOG.note(20)) == LOG.note(20)
    assert "up to 30, and the log goes only to 20: the log was cut off" in caplog.text


async def test_a_fork_is_not_cosigned(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    servers = Servers()
    known = [servers.add(tmp_path, "w1")]
    await cosigned(servers, known, LOG.note(30))
    for size in (30, 35):
        caplog.clear()
        assert await cosigned(servers, known, FORK.note(size)) == FORK.note(size)
        assert "refuses the checkpoint: 422" in caplog.text


FOREIGN = SignedLog([], "other", seed=3)
GARBAGE: dict[str, Callable[[httpx.Request], httpx.Response]] = {
    "nothing": lambda _: httpx.Response(200),
    "words": lambda _: httpx.Response(200, text="hello\n"),
    "no text": lambda _: httpx.Response(200, content=b"\xff\xfe"),
    "too much": lambda _: httpx.Response(200, content=b"a" * 100_000),
    "the log's own": lambda _: httpx.Response(200, text=str(LOG.note(7).signatures[0])),
    "another key's": lambda _: httpx.Response(200, text=str(FOREIGN.note(0).signatures[0])),
    "no size": lambda _: httpx.Response(409, text="many\n"),
    "a negative size": lambda _: httpx.Response(409, text="-1\n"),
    "a size for ever": lambda _: httpx.Response(409, text="3\n"),
    "a redirect": lambda _: httpx.Response(302, headers={"Location": "http://w1/"}),
    "a fault": lambda _: httpx.Response(500, text="\x1b[2Jfault"),
}


@pytest.mark.parametrize("what", GARBAGE)
async def test_garbage_harms_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    servers = Servers()
    known = [servers.add_other(tmp_path, GARBAGE[what]), servers.add(tmp_path, "w1")]
    note = await cosigned(servers, known, LOG.note(7))
    assert set(note.verified_by([LOG.key, *known[1].keys])) == {LOG.key, *known[1].keys}
    assert len(note.signatures) == 2
    assert len([each for each in caplog.records if each.levelname == "WARNING"]) == 1


async def test_a_forged_cosignature_is_not_taken(tmp_path: Path) -> None:
    servers = Servers()
    right, _ = made(tmp_path, "w1")
    line = right.keys[0].signature(bytes(64), 1_800_000_000)
    servers.hosts["w1"] = httpx.MockTransport(lambda _: httpx.Response(200, text=str(line)))
    assert await cosigned(servers, [right], LOG.note(7)) == LOG.note(7)


async def test_a_witness_that_hangs_is_left_alone_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.proof.witnesses._PATIENCE_S", 0.2)

    class Hanging(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(60)
            raise AssertionError

    servers = Servers()
    known = [servers.add(tmp_path, "w1"), made(tmp_path, "w2")[0]]
    servers.hosts["w2"] = Hanging()
    async with httpx.AsyncClient(transport=servers) as client:
        asked = Witnesses(known, client)
        started = time.monotonic()
        note = await asked.cosigned(LOG.note(7), proof)
        assert len(note.signatures) == 2
        for size in (8, 9, 10):
            assert len((await asked.cosigned(LOG.note(size), proof)).signatures) == 2
        assert time.monotonic() - started < 5


def test_failures_are_said_once_and_pauses_grow(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    attempts = Attempts("W", lambda: now)
    pauses = []
    for _ in range(9):
        attempts.failed("gone")
        started = now
        while not attempts.is_due:
            now += 0.5
        pauses.append(now - started)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert caplog.text.count("W: gone") == 1
    now += 600
    attempts.failed("gone")
    assert caplog.text.count("W: gone") == 2
    attempts.succeeded()
    assert attempts.is_due


@pytest.mark.parametrize(
    "text",
    ["", "http://w", "w.example KEY", f"http://w {LOG.key}", "http://w nonsense", "http:// K"],
)
def test_what_is_no_witness_is_refused(text: str) -> None:
    with pytest.raises((ValueError, Unproven)):
        witness(text)
