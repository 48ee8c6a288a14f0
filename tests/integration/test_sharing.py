"""Sharing of signed checkpoints: each partition is cosigned, and a second place lacks nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from support import tree_of
from support.database import ONE_PARTITION, SEVERAL
from support.histories import mixed

from app.proof import checkpoints, signing, tree
from app.proof.cosigner import cosigners
from app.proof.notes import VerifierKey, parse_note
from app.proof.publishing import NotKept, Published
from app.proof.sharing import _Cosigning, _Lease, _Publishing
from app.proof.witness import Witness, followed
from app.proof.witness_server import WitnessServer
from app.proof.witness_state import WitnessState
from app.proof.witnesses import Witnesses, witness
from app.service import Service

PARTITIONS = pytest.mark.parametrize("partitions", [1, SEVERAL], ids=["one", "several"])


async def sign(service: Service) -> dict[str, VerifierKey]:
    """Sign a checkpoint of each partition that has grown; the keys by origin."""
    await tree_of.caught_up(service)
    signer = await signing.signer(service.pool, service.log.keyring, with_ml_dsa=False)
    for partition in range(service.log.partitions):
        size = await tree.size_of(service.pool, partition)
        kept = await checkpoints.latest(service.pool, partition)
        if size and (kept is None or kept.size < size):
            (root,) = await tree.roots(service.pool, partition, [size])
            await service.pool.ask(
                checkpoints.SQL["keep"], partition, size, signer.note(partition, size, root),
                writes=True,
            )  # fmt: skip
    rows = await service.pool.ask("SELECT public, algorithm FROM signing_key")
    found = [await checkpoints.latest(service.pool, each) for each in range(service.log.partitions)]
    origins = [each.note.partition("\n")[0] for each in found if each]
    return {each: VerifierKey(each, rows[0]["algorithm"], rows[0]["public"]) for each in origins}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """For places that are reached without."""
    async with httpx.AsyncClient() as made:
        yield made


@PARTITIONS
async def test_the_latest_of_each_partition_is_cosigned(service: Service, tmp_path: Path) -> None:
    await mixed(service, 1, 20)
    keys = await sign(service)
    state = WitnessState(tmp_path)
    own = cosigners(state, "w.example/1", ml_dsa=True)
    actual = Witness(state, own, followed(map(str, keys.values())))
    known = witness(f"http://w {own[0].key} {own[1].key}")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(WitnessServer(actual))) as client:
        cosigning = _Cosigning(service.pool, Witnesses([known], client))
        for sessions in (0, 5, 1):
            await mixed(service, sessions + 2, sessions)
            await sign(service)
            await cosigning.share()
            await cosigning.share()
            for partition in range(service.log.partitions):
                kept = await checkpoints.latest(service.pool, partition)
                if kept is not None:
                    note = parse_note(kept.note.encode())
                    key = keys[note.text.partition("\n")[0]]
                    assert len(note.verified_by([key, *(each.key for each in own)])) == 3
    rows = await service.pool.ask(
        "SELECT count(*) AS notes, count(DISTINCT note) AS others FROM log_checkpoint"
    )
    assert rows[0]["notes"] == rows[0]["others"]
    state.close()


class Place:
    """A second place that fails at will."""

    name = "here"

    def __init__(self) -> None:
        self.fails = False
        self.kept: list[str] = []

    async def keep(self, checkpoint: Published, client: httpx.AsyncClient) -> None:
        if self.fails:
            raise NotKept("out of order")
        self.kept.append(checkpoint.note)


async def all_notes(service: Service) -> list[str]:
    rows = await service.pool.ask("SELECT note FROM log_checkpoint ORDER BY number")
    return [row["note"] for row in rows]


@ONE_PARTITION
async def test_after_an_outage_a_place_gets_what_it_lacks_in_order(
    service: Service, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.proof.attempts._FIRST_PAUSE_S", 0.0)
    place = Place()
    publishing = _Publishing(service.pool, place, client)
    await publishing.share()
    for round_ in range(6):
        place.fails = round_ in (2, 3, 4)
        await mixed(service, round_ + 1, 2)
        await sign(service)
        await publishing.share()
        await publishing.share()
    assert place.kept == await all_notes(service)
    again = Place()  # another worker takes over
    await _Publishing(service.pool, again, client).share()
    assert again.kept == (await all_notes(service))[-1:]


@ONE_PARTITION
async def test_what_becomes_visible_late_is_sent_too(
    service: Service, owner: asyncpg.Connection, client: httpx.AsyncClient
) -> None:
    place = Place()
    publishing = _Publishing(service.pool, place, client)
    await mixed(service, 1, 2)
    await sign(service)
    await publishing.share()
    late = owner.transaction()
    await late.start()
    await owner.execute(
        "INSERT INTO log_checkpoint (partition, size, note) SELECT partition, size, note || $1 "
        "FROM log_checkpoint ORDER BY number DESC LIMIT 1",
        "— late AAAAAAAA\n",
    )
    await mixed(service, 2, 2)
    await sign(service)
    await publishing.share()
    assert len(place.kept) == 2
    await late.commit()
    await publishing.share()
    await publishing.share()
    assert len(place.kept) == 3
    assert place.kept[2].endswith("— late AAAAAAAA\n")


async def test_one_worker_shares_at_a_time_and_another_takes_over(
    service: Service, other_service: Service
) -> None:
    one, other = _Lease(service.pool), _Lease(other_service.pool)
    taken = await asyncio.gather(one.is_ours(), other.is_ours())
    assert sorted(taken) == [False, True]
    holder, waiting = (one, other) if taken[0] else (other, one)
    await holder.give_up()
    waiting._looked = float("-inf")
    assert await waiting.is_ours()
