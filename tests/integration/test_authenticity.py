"""Whatever a superuser changes is found against a checkpoint that somebody kept, and where."""

import os
from random import Random

import asyncpg
import pytest
from support import tree_of
from support.database import ONE_PARTITION, SEVERAL
from support.histories import mixed

from app.integrity.authenticity import examine
from app.integrity.examined import Examined
from app.log.read import heads
from app.maintenance.store import Connection
from app.proof import checkpoints, signing, tree
from app.proof.given import Given
from app.proof.verifier import Checkpoint, VerifierKey, leaf_hash, parse_note
from app.service import Service

CHANGES = int(os.environ.get("TEST_TAMPERINGS", "60"))
PARTITIONS = pytest.mark.parametrize("partitions", [1, SEVERAL], ids=["one", "several"])
KINDS = {
    "flipped": "UPDATE stored_events SET state = set_byte(state, 0, 255) WHERE {here}",
    "re-timed": "UPDATE stored_events SET recorded_at = recorded_at + '1 us' WHERE {here}",
    "re-attributed": "UPDATE stored_events SET actor = actor || '.' WHERE {here}",
    "called otherwise": "UPDATE stored_events SET metadata = metadata || '{{\"z\": 1}}'"
    " WHERE {here}",
    "of another type": "UPDATE stored_events SET topic = topic || '2' WHERE {here}",
    "of another id": "UPDATE stored_events SET event_id = gen_random_uuid() WHERE {here}",
    "deleted": "DELETE FROM stored_events WHERE {here}",
    "cut off": "DELETE FROM stored_events WHERE partition = {partition}"
    " AND notification_id >= {position}",
    "moved": "UPDATE stored_events SET notification_id = CASE notification_id"
    " WHEN {position} THEN {position} - 1 ELSE {position} END WHERE partition = {partition}"
    " AND notification_id IN ({position} - 1, {position})",
}
Kept = tuple[list[Given], list[VerifierKey]]


async def keep(service: Service) -> Kept:
    """A checkpoint of all that there is, and its keys, as somebody else has them."""
    await tree_of.caught_up(service)
    signer = await signing.signer(service.pool, service.log.keyring, with_ml_dsa=False)
    given, keys = [], []
    for head in await heads(service.pool):
        (root,) = await tree.roots(service.pool, head.partition, [head.position])
        text = signer.note(head.partition, head.position, root)
        await service.pool.ask(checkpoints.SQL["keep"], head.partition, head.position, text)
        note = parse_note(text.encode())
        given.append(Given("kept", Checkpoint.parse(note.text), note))
        keys += await signing.vkeys(service.pool, head.partition)
    return given, keys


async def examined(store: Connection, kept: Kept) -> Examined:
    return await examine(store, *kept, {}, lambda *_: None)


@PARTITIONS
async def test_what_is_clean_is_found_clean(service: Service, store: Connection) -> None:
    await mixed(service, 1, 5)
    kept = await keep(service)
    await mixed(service, 2, 5)  # appended since
    found = await examined(store, kept)
    assert (found.differences, found.first_bad, found.covered) == ([], None, True)
    assert any("No checkpoint shows the events after" in each for each in found.not_checked)


@PARTITIONS
async def test_every_change_is_found_where_it_is(
    service: Service, owner: asyncpg.Connection, store: Connection
) -> None:
    await mixed(service, 1, 20)
    kept = await keep(service)
    ends = [head for head in await heads(service.pool) if head.position > 3]
    random = Random(13)
    await owner.execute("ALTER TABLE stored_events DISABLE TRIGGER append_only")
    await owner.execute("ALTER TABLE stored_events DROP CONSTRAINT IF EXISTS "
                        "stored_events_partition_notification_id_key")  # fmt: skip
    for number in range(CHANGES):
        kind = list(KINDS)[number % len(KINDS)]
        end = random.choice(ends)
        position = random.randint(2, end.position)
        here = f"partition = {end.partition} AND notification_id = {position}"
        change = KINDS[kind].format(here=here, partition=end.partition, position=position)
        transaction = owner.transaction()
        await transaction.start()
        await owner.execute(change)
        if kind == "cut off":
            await owner.execute("UPDATE log_partition SET position = $1 WHERE partition = $2",
                                position - 1, end.partition)  # fmt: skip
        found = await examined(Connection(owner), kept)
        await transaction.rollback()
        assert found.differences, (kind, position)
        bad = position - 1 if kind == "moved" else position
        assert found.first_bad == (end.partition, bad), (kind, found.differences)
    assert (await examined(store, kept)).differences == []


@ONE_PARTITION
async def test_an_event_that_was_altered_with_its_tree_is_found_by_the_checkpoint(
    service: Service, owner: asyncpg.Connection, store: Connection
) -> None:
    await mixed(service, 1, 5)
    kept = await keep(service)
    await owner.execute("ALTER TABLE stored_events DISABLE TRIGGER append_only")
    await owner.execute("UPDATE stored_events SET actor = 'mallory' WHERE notification_id = 9")
    rows = await owner.fetch(
        "SELECT *, metadata::text AS metadata, (extract(epoch FROM recorded_at) * 1000000)::bigint "
        "AS us FROM stored_events WHERE notification_id = 9"
    )
    await owner.execute(
        "UPDATE tree_tile SET hashes = overlay(hashes placing $1 from 257 for 32) WHERE level = 0",
        leaf_hash(tree_of.leaf(rows[0])),
    )
    found = await examined(store, kept)
    assert len(found.differences) == 2  # the kept one, and the one that was given
    assert all("is of another log" in each for each in found.differences)
    assert found.first_bad == (0, 1)  # somewhere up to the checkpoint
    # Whoever drops the log's own checkpoints, too, is still found out by the one that was given.
    await owner.execute("DELETE FROM log_checkpoint")
    assert len((await examined(store, kept)).differences) == 1
    assert (await examined(store, ([], []))).covered is False


@ONE_PARTITION
async def test_foreign_checkpoints_and_keys_are_named(service: Service, store: Connection) -> None:
    await mixed(service, 1, 5)
    (given,), (key,) = await keep(service)
    other = VerifierKey(key.name, key.type, bytes(32))
    found = await examined(store, ([given], [other]))
    assert any("is none of those that the log has had" in each for each in found.differences)
    assert any("is not signed by a key that was given" in each for each in found.differences)
    foreign = given.checkpoint._replace(origin="elsewhere/0")
    note = parse_note(str(given.note).replace(given.checkpoint.origin, "elsewhere/0").encode())
    found = await examined(store, ([Given("kept", foreign, note)], []))
    assert any("is of elsewhere/0, not of this log" in each for each in found.differences)


@ONE_PARTITION
async def test_a_damaged_row_of_hashes_is_found(
    service: Service, owner: asyncpg.Connection, store: Connection
) -> None:
    await mixed(service, 1, 5)
    kept = await keep(service)
    await owner.execute("UPDATE tree_tile SET hashes = set_byte(hashes, 64, 1) WHERE level = 0")
    found = await examined(store, kept)
    assert found.first_bad == (0, 3)
    await owner.execute("TRUNCATE tree_tile")
    assert (await examined(store, kept)).first_bad == (0, 1)
