"""Auditors see what is signed, compare it with what they kept, and take the verifier along."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest
from msgspec.structs import replace
from support import given
from support.audit import auditing, told
from support.database import ONE_PARTITION, SEVERAL
from support.patience import patient

from app.operations.deeds import Covers, Recorder
from app.proof import checkpoints
from app.proof.verifier import Checkpoint, Note, parse_note
from app.service import Service
from app.settings import Settings

PARTITIONS = pytest.mark.parametrize("partitions", [1, SEVERAL], ids=["one", "several"])


@asynccontextmanager
async def sealing(
    settings: Settings, owner: asyncpg.Connection
) -> AsyncIterator[tuple[httpx.AsyncClient, Service]]:
    """An auditor of a log whose events are covered by checkpoints."""
    async with auditing(replace(settings, checkpoint_every_s=0.5), owner) as (client, service):
        for _ in range(9):
            await given.open_ai_session(service)
        async with asyncio.timeout(patient(20)):
            while any(each.age_s is not None for each in await checkpoints.covers(service.pool)):
                await asyncio.sleep(0.1)
        yield client, service


async def compared(client: httpx.AsyncClient, note: str) -> httpx.Response:
    return await client.get("/audit/proof", params={"note": note})


@PARTITIONS
async def test_each_partition_has_its_checkpoint_and_what_it_covers(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with sealing(settings, owner) as (client, service):
        shown = await told(client, "/audit/proof")
        lines = (await client.get("/audit/proof.ndjson")).text.splitlines()
        page = (await client.get("/audit/proof.html?partition=0")).text
    assert len(shown["partitions"]) == len(lines) == service.log.partitions
    for number, each in enumerate(shown["partitions"]):
        assert each["partition"] == number
        if each["note"] is not None:
            found = Checkpoint.parse(parse_note(each["note"].encode()).text)
            assert (found.origin, found.size) == (each["origin"], each["size"])
            assert each["size"] == each["events"]
        assert each["ageSeconds"] == 0
        assert each["witnesses"] == []
    assert sum(each["events"] for each in shown["partitions"]) >= 9
    assert shown["compared"] is None
    assert shown["partitions"][0]["origin"] in page
    assert "✗" not in page


@PARTITIONS
async def test_a_kept_checkpoint_fits_until_the_log_is_cut_or_altered(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with sealing(settings, owner) as (client, _):
        shown = max((await told(client, "/audit/proof"))["partitions"], key=lambda p: p["events"])
        kept, partition = shown["note"], shown["partition"]
        for pasted in (kept, kept.replace("\n", "\r\n"), f"\n{kept}\n\n"):
            answer = (await compared(client, pasted)).json()["compared"]
            assert answer["holds"], answer
        assert "It fits" in (await client.get("/audit/proof.html", params={"note": kept})).text
        await owner.execute(
            "UPDATE tree_tile SET hashes = overlay(hashes PLACING '\\x00000000' FROM 1)"
            " WHERE partition = $1",
            partition,
        )
        answer = (await compared(client, kept)).json()["compared"]
        assert (answer["holds"], "not those that were signed" in answer["says"]) == (False, True)
        await owner.execute(
            "UPDATE log_partition SET position = position - 1 WHERE partition = $1", partition
        )
        answer = (await compared(client, kept)).json()["compared"]
        assert (answer["holds"], "lacks its last 1 event:" in answer["says"]) == (False, True)


@ONE_PARTITION
async def test_what_this_log_has_not_signed_is_refused_with_the_reason(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with sealing(settings, owner) as (client, _):
        kept = (await told(client, "/audit/proof"))["partitions"][0]["note"]
        note = parse_note(kept.encode())
        size = Checkpoint.parse(note.text).size
        strange = {
            "gibberish": "not a note at all",
            "another log": kept.replace("/0\n", "-x/0\n", 1),
            "another size": kept.replace(f"\n{size}\n", f"\n{size + 1}\n", 1),
            "no signature": f"{note.text}\n",
            "a changed signature": str(Note(note.text, (note.signatures[0]._replace(
                value=bytes(64)),))),
        }  # fmt: skip
        for name, text in strange.items():
            refused = await compared(client, text)
            assert refused.status_code == 400, (name, refused.text)
            assert refused.json()["error"]["field"] == "note"
        page = await client.get("/audit/proof.html", params={"note": "x"})
        assert (page.status_code, page.headers["content-type"][:9]) == (400, "text/html")
        refused = await client.get("/audit/proof?partition=99")
        assert (refused.status_code, refused.json()["error"]["field"]) == (400, "partition")


@ONE_PARTITION
async def test_the_verifier_is_handed_out_and_runs_alone(
    settings: Settings, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    async with sealing(settings, owner) as (client, _):
        kept = (await told(client, "/audit/proof"))["partitions"][0]["note"]
        key = (await client.get("/audit/checkpoint/key?partition=0")).text.strip()
        file = await client.get("/audit/proof/verifier.py")
    assert file.headers["content-type"] == "text/x-python; charset=utf-8"
    (tmp_path / "verifier.py").write_bytes(file.content)
    (tmp_path / "kept.txt").write_text(kept)
    command = [sys.executable, "-I", "verifier.py", "checkpoint", "kept.txt", "--key", key]
    ended = await asyncio.to_thread(
        subprocess.run, command, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


async def test_the_last_verifications_are_told(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    await Recorder("verify").end(owner, "no difference")
    await Recorder("backup").end(owner, "up to 0:7")
    covers = Covers(up_to={0: 7}, checked=["all"], not_checked=["No public key was given"])
    await Recorder("verify").end(owner, "2 differences", well=False, covers=covers)
    login = await owner.fetchval("SELECT session_user")
    async with auditing(settings, owner) as (client, _):
        shown = (await told(client, "/audit/proof"))["verifications"]
        page = (await client.get("/audit/proof.html")).text
    assert [(each["outcome"], each["well"]) for each in shown] == [
        ("2 differences", False), ("no difference", True),
    ]  # fmt: skip
    assert "✗ 2 differences" in page
    assert (shown[0]["login"], shown[1]["covers"]) == (login, None)
    assert (shown[0]["covers"]["upTo"], shown[0]["covers"]["checked"]) == ({"0": 7}, ["all"])
    for text in (f"{login} from ", "0:7", "No public key was given"):
        assert text in page
