"""A log and its witness, each a process: a rollback, a split view and a fork are refused."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import httpx
from support.patience import patient
from support.service_process import ADMIN, ServiceProcess, data_directory, end, with_log
from support.strange_servers import strange
from support.witness_process import WitnessProcess

from app.proof.notes import Checkpoint, Note, VerifierKey, parse_note

SIGNS = "--checkpoint-every=1"
_WAIT_S = 30.0


async def notes(served: ServiceProcess) -> list[Note]:
    """The kept checkpoints, the latest first."""
    store = await asyncpg.connect(served.database_url)
    try:
        rows = await store.fetch("SELECT note FROM log_checkpoint ORDER BY size DESC, number DESC")
    finally:
        await store.close()
    return [parse_note(row["note"].encode()) for row in rows]


async def key_of(served: ServiceProcess) -> VerifierKey:
    store = await asyncpg.connect(served.database_url)
    try:
        public = await store.fetchval("SELECT public FROM signing_key WHERE algorithm = 1")
    finally:
        await store.close()
    (note, *_) = await notes(served)
    return VerifierKey(Checkpoint.parse(note.text).origin, 1, bytes(public))


def write(served: ServiceProcess, sessions: int, purpose: str) -> None:
    for _ in range(sessions):
        asked = httpx.post(
            f"{served.base_url}/ai/sessions", json={"purpose": purpose}, auth=ADMIN,
            timeout=patient(10.0),
        )  # fmt: skip
        assert asked.status_code == 200, asked.text


async def until(holds: Callable[[], Awaitable[bool]], served: ServiceProcess) -> None:
    deadline = time.monotonic() + patient(_WAIT_S)
    while not await holds():
        assert time.monotonic() < deadline, served.log
        await asyncio.sleep(0.2)


async def until_cosigned(served: ServiceProcess, keys: list[VerifierKey], size: int) -> Note:
    """Wait for a cosigned checkpoint at least so large; it verifies by the log's key, too."""
    found: list[Note] = []

    async def holds() -> bool:
        cosigned = [each for each in await notes(served) if is_by(each, keys[1])]
        found[:] = [each for each in cosigned if Checkpoint.parse(each.text).size >= size]
        return bool(found)

    await until(holds, served)
    assert {*found[0].verified_by(keys)} == {*keys}
    return found[0]


def is_by(note: Note, key: VerifierKey) -> bool:
    return any((each.name, each.key_id) == (key.name, key.key_id) for each in note.signatures)


async def until_said(served: ServiceProcess, words: str) -> None:
    async def holds() -> bool:
        return words in served.log

    await until(holds, served)


def size(note: Note) -> int:
    return Checkpoint.parse(note.text).size


async def test_a_rollback_a_split_view_and_a_fork_are_refused(tmp_path: Path) -> None:
    witness = WitnessProcess(tmp_path / "witness")
    asks = f"--witness={witness.url} {witness.keys[0]}"
    with data_directory() as folder:
        live = ServiceProcess(with_log(folder / "live"), SIGNS, asks)
        other = ServiceProcess(folder / "copy", SIGNS, asks)
        try:
            await asyncio.to_thread(live.start)
            write(live, 3, "before")
            await until_signed(live)
            witness.logs = (str(await key_of(live)),)
            witness.start()
            await watched(live, other, witness)
        finally:
            witness.kill()
            for each in (other, live):
                if each.has_begun:
                    end(each)


def shown(note: Note, keys: list[VerifierKey], file: Path) -> int:
    """The exit code of the verifier for a checkpoint that the log and the witness have to sign."""
    file.write_text(str(note))
    options = [str(file), f"--key={keys[0]}", f"--witness={keys[1]}"]
    asked = subprocess.run(
        [sys.executable, "-m", "app.proof.verifier", "checkpoint", *options],
        text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in asked.stderr
    return asked.returncode


async def until_signed(served: ServiceProcess) -> None:
    async def holds() -> bool:
        return bool(await notes(served))

    await until(holds, served)


async def watched(live: ServiceProcess, other: ServiceProcess, witness: WitnessProcess) -> None:
    """Two logs that were one."""
    (own,) = witness.keys
    keys = [await key_of(live), own]
    seen = await until_cosigned(live, keys, size((await notes(live))[0]))
    assert live.stop() == 0
    subprocess.run(["cp", "-a", live.data_dir, other.data_dir], check=True)  # its key and all
    await asyncio.to_thread(live.start)
    write(live, 5, "of the one")
    later = await until_cosigned(live, keys, size(seen) + 5)
    await asyncio.to_thread(other.start)
    write(other, 1, "of the other")  # a rollback: the witness knows more
    await until_said(other, "and the log goes only to")
    write(other, size(later) - size(seen) + 2, "of the other")  # a fork, shown beside the log
    await until_said(other, "refuses the checkpoint: 422")
    assert [n for n in await notes(other) if size(n) > size(seen) and is_by(n, own)] == []
    write(live, 1, "of the one")  # the log itself goes on
    last = await until_cosigned(live, keys, size(later) + 1)
    file = witness.state / "note"
    assert shown(last, keys, file) == 0
    assert shown((await notes(other))[0], keys, file) == 1
    assert "does not go on from the one that was cosigned" in witness.log


async def test_strange_witnesses_and_places_harm_nothing(tmp_path: Path) -> None:
    with (
        data_directory() as folder,
        strange(answers=False) as silent,
        strange(answers=True) as odd,
    ):
        state = WitnessProcess(tmp_path / "witness")
        (own,) = state.keys
        served = ServiceProcess(
            with_log(folder / "data"), SIGNS, f"--witness={silent} {own}", f"--witness={odd} {own}",
            f"--checkpoint-to={tmp_path}/kept", f"--checkpoint-to={tmp_path}/each/",
            f"--checkpoint-to={silent}/", f"--checkpoint-to={odd}/", "--checkpoint-to=/proc/none/x",
        )  # fmt: skip
        try:
            await asyncio.to_thread(served.start)
            for _ in range(4):
                write(served, 5, "beside them")
                await asyncio.sleep(1)

            async def is_kept() -> bool:
                (note, *_) = await notes(served)
                name = f"{size(note)}-{Checkpoint.parse(note.text).root[:8].hex()}"
                each = list((tmp_path / "each").glob(f"*/{name}"))
                if size(note) < 20 or not each:
                    return False
                told = [each[0].read_text(), (tmp_path / "kept").read_text()]
                return all(str(note) in text for text in told)

            await until(is_kept, served)
            await until_said(served, "second place of checkpoints, /proc/none/x")
            await until_said(served, "its answer is no text")
            await until_said(served, f"The witness {own.name}: ")
            assert served.is_ready()
            shown = httpx.get(f"{served.base_url}/metrics", auth=ADMIN, timeout=patient(10.0)).text
            assert 'sessionary_witness_failures_total{reason="garbage"' in shown
            assert 'sessionary_witness_failures_total{reason="unreachable"' in shown
            assert 'sessionary_publishing_failures_total{place="/proc/none/x"}' in shown
            assert f'unpublished_seconds{{place="{tmp_path}/kept"}} 0.0' in shown
            assert served.log.count("checkpoints, /proc/none/x") == 1
            assert "Traceback" not in served.log
            assert served.stop() == 0, served.log
        finally:
            end(served)
