"""Checkpoints, proofs and tiles over HTTP: they check with the public key alone, or are refused."""

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product

import asyncpg
import httpx
import pytest
from msgspec.structs import replace
from support import tree_of
from support.audit import auditing
from support.database import ONE_PARTITION, SEVERAL
from support.histories import mixed
from support.in_process import PASSWORD
from support.patience import patient

from app.maintenance import users
from app.maintenance.store import Connection
from app.proof import checkpoints, signing, tree
from app.proof.verifier import (
    Checkpoint,
    TlogProof,
    VerifierKey,
    leaf_hash,
    parse_note,
    read_leaf,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from app.service import Service
from app.settings import Settings

Auditing = tuple[httpx.AsyncClient, Service]
PARTITIONS = pytest.mark.parametrize("partitions", [1, SEVERAL], ids=["one", "several"])


async def seal(service: Service) -> None:
    """Wait until a checkpoint covers all events."""
    async with asyncio.timeout(patient(20)):
        while any(each.age_s is not None for each in await checkpoints.covers(service.pool)):
            await asyncio.sleep(0.1)


@asynccontextmanager
async def sealing(settings: Settings, owner: asyncpg.Connection) -> AsyncIterator[Auditing]:
    """A service whose events are covered, and an auditor."""
    soon = replace(settings, checkpoint_every_s=0.5)
    async with auditing(soon, owner) as (client, service):
        await mixed(service, 5, 60)
        await seal(service)
        yield client, service


async def text(client: httpx.AsyncClient, url: str) -> str:
    answer = await client.get(url)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    return answer.text


async def key_of(client: httpx.AsyncClient, partition: int) -> VerifierKey:
    shown = await text(client, f"/audit/checkpoint/key?partition={partition}")
    return VerifierKey.parse(shown.removesuffix("\n"))


async def checkpoint_of(client: httpx.AsyncClient, url: str, key: VerifierKey) -> Checkpoint:
    note = parse_note((await text(client, url)).encode())
    assert list(note.verified_by([key])) == [key]
    found = Checkpoint.parse(note.text)
    assert found.origin == key.name
    return found


@PARTITIONS
async def test_a_checkpoint_of_any_size_is_signed(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with sealing(settings, owner) as (client, service):
        for partition in range(service.log.partitions):
            leaves = await tree_of.leaves(service, partition)
            key = await key_of(client, partition)
            for size in (len(leaves), len(leaves) - 1, 1, 0):
                url = f"/audit/checkpoint?partition={partition}&size={size}"
                found = await checkpoint_of(client, url, key)
                assert (found.size, found.root) == (size, root_of(leaves[:size]))
            for url in (f"/audit/checkpoint?partition={partition}",
                        f"/audit/tiles/{partition}/checkpoint"):  # fmt: skip
                assert (await checkpoint_of(client, url, key)).size == len(leaves)


@PARTITIONS
async def test_proofs_lead_to_the_checkpoint(settings: Settings, owner: asyncpg.Connection) -> None:
    async with sealing(settings, owner) as (client, service):
        for partition in range(service.log.partitions):
            leaves = await tree_of.leaves(service, partition)
            last = len(leaves)
            for position, size in [(1, 1), (1, last), (last, last), (last // 2, last - 1)]:
                url = f"/audit/proof/inclusion?position={partition}:{position}&size={size}"
                told = (await client.get(url)).json()
                assert (told["leafIndex"], told["treeSize"]) == (position - 1, size)
                assert b64decode(told["leafHash"]) == leaves[position - 1]
                hashes = [b64decode(each) for each in told["hashes"]]
                root = root_of(leaves[:size])
                verify_inclusion(leaves[position - 1], position - 1, size, hashes, root)
            for old, new in [(1, last), (last // 2, last), (last, last), (0, last), (3, 9)]:
                url = f"/audit/proof/consistency?partition={partition}&from={old}&to={new}"
                told = (await client.get(url)).json()
                assert (told["from"], told["to"]) == (old, new)
                hashes = [b64decode(each) for each in told["hashes"]]
                verify_consistency(old, root_of(leaves[:old]), new, root_of(leaves[:new]), hashes)


@ONE_PARTITION
async def test_a_proof_file_needs_nothing_else(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with sealing(settings, owner) as (client, service):
        key = await key_of(client, 0)
        for query in ("position=0:7", "position=0:7&size=20"):
            shown = await text(client, f"/audit/proof/inclusion.tlog-proof?{query}")
            proof = TlogProof.parse(shown.encode())
            proof.note.verified_by([key])
            found = Checkpoint.parse(proof.note.text)
            assert proof.extra is not None
            event = read_leaf(proof.extra)
            stored = await service.pool.ask("SELECT * FROM stored_events WHERE notification_id = 7")
            assert (event.position, event.actor) == (7, stored[0]["actor"])
            leaf = leaf_hash(proof.extra)
            verify_inclusion(leaf, proof.leaf_index, found.size, proof.hashes, found.root)


@ONE_PARTITION
async def test_a_mirror_makes_the_tree_from_tiles(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with sealing(settings, owner) as (client, service):
        leaves = await tree_of.leaves(service, 0)
        whole, rest = divmod(len(leaves), 256)
        assert whole > 0
        assert rest > 0
        paths = [f"{index:03}" for index in range(whole)] + [f"{whole:03}.p/{rest}"]
        found = []
        for path in paths:
            answer = await client.get(f"/audit/tiles/0/tile/0/{path}")
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "application/octet-stream"
            found.append(answer.content)
        assert b"".join(found) == b"".join(leaves)
        above = await client.get(f"/audit/tiles/0/tile/1/000.p/{whole}")
        assert above.content[:32] == root_of(leaves[:256])
        unknown = [f"0/{whole:03}", f"0/{whole:03}.p/{rest + 1}", "0/000.p/256", "0/000.p/0"]
        unknown += ["9/000"]
        unknown += ["0/x000/000", "0/0", "0/abc", "1/000", "0/x001/x000/000", "0/x001/000.p/1/1"]
        for path in unknown:
            assert (await client.get(f"/audit/tiles/0/tile/{path}")).status_code == 404, path


WRONG = [
    ("/audit/checkpoint?partition=7", "partition"),
    ("/audit/checkpoint?partition=x", "partition"),
    ("/audit/checkpoint?size=99999", "size"),
    ("/audit/checkpoint?size=-1", "size"),
    ("/audit/checkpoint?size=9999999999999999999999", "size"),
    ("/audit/checkpoint?wrong=1", "wrong"),
    ("/audit/checkpoint/key?former=perhaps", "former"),
    ("/audit/proof/inclusion", "position"),
    ("/audit/proof/inclusion?position=17", "position"),
    ("/audit/proof/inclusion?position=0:0", "position"),
    ("/audit/proof/inclusion?position=7:1", "position"),
    ("/audit/proof/inclusion?position=0:99999", "position"),
    ("/audit/proof/inclusion?position=0:17&size=16", "size"),
    ("/audit/proof/inclusion?position=0:17&size=99999", "size"),
    ("/audit/proof/inclusion.tlog-proof?position=0:99999", "position"),
    ("/audit/proof/consistency?to=5", "from"),
    ("/audit/proof/consistency?from=6&to=5", "from"),
    ("/audit/proof/consistency?from=1&to=99999", "to"),
    ("/audit/proof/consistency?from=x", "from"),
    ("/audit/tiles/7/tile/0/000", "partition"),
    ("/audit/tiles/x/checkpoint", "partition"),
]


@ONE_PARTITION
async def test_what_is_wrong_is_named(settings: Settings, owner: asyncpg.Connection) -> None:
    async with sealing(settings, owner) as (client, _):
        for url, field in WRONG:
            answer = await client.get(url)
            assert answer.status_code == 400, answer.text
            assert answer.json()["error"]["field"] == field, url


@ONE_PARTITION
async def test_what_is_not_signed_yet_is_not_there(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with auditing(settings, owner) as (client, service):
        await mixed(service, 5, 2)
        urls = ["checkpoint", "proof/inclusion?position=0:1", "proof/consistency?from=1"]
        urls += ["tiles/0/checkpoint", "tiles/0/tile/0/009"]
        for url in urls:
            answer = await client.get(f"/audit/{url}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NotFound"), url


@ONE_PARTITION
async def test_what_is_newer_than_the_checkpoint_is_not_there_yet(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    never = replace(settings, checkpoint_every_s=9_999.0, checkpoint_every_events=1_000_000)
    async with auditing(never, owner) as (client, service):
        await mixed(service, 5, 2)
        async with asyncio.timeout(patient(20)):
            while await tree.size_of(service.pool, 0) < 5:
                await asyncio.sleep(0.1)
        signer = await signing.signer(service.pool, service.log.keyring, with_ml_dsa=False)
        (root,) = await tree.roots(service.pool, 0, [5])
        await service.pool.ask(checkpoints.SQL["keep"], 0, 5, signer.note(0, 5, root))
        assert (await client.get("/audit/proof/inclusion?position=0:5")).status_code == 200
        answer = await client.get("/audit/proof/inclusion?position=0:6")
        assert answer.status_code == 404
        assert "No signed checkpoint covers 0:6 yet" in answer.json()["error"]["message"]


@ONE_PARTITION
async def test_a_tree_that_is_not_whole_is_not_there_for_now(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with sealing(settings, owner) as (client, _):
        await owner.execute("TRUNCATE tree_tile")
        answer = await client.get("/audit/proof/inclusion?position=0:1")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "TreeNotWhole")


async def test_auditors_and_administrators_alone_see_it(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with sealing(settings, owner) as (client, _):
        for role in ("Operator", "Customer", "Auditor"):
            await users.add(Connection(owner), f"is-{role}", [role], PASSWORD)
        for role, url in product(("Operator", "Customer", "Auditor"),
                                 ("checkpoint", "checkpoint/key")):  # fmt: skip
            answer = await client.get(f"/audit/{url}", auth=(f"is-{role}", PASSWORD))
            assert answer.status_code == (200 if role == "Auditor" else 403)
