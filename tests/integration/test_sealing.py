"""Checkpoints are signed in time, by keys that are made once; they stay, fit the log or not."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import asyncpg
import pytest
from msgspec.structs import replace
from support import tree_of
from support.database import ONE_PARTITION
from support.histories import mixed

from app.followers import sealer as sealing
from app.followers import tree as growing
from app.followers.reset import reset
from app.log.errors import Unreadable
from app.log.keyring import Keyring
from app.maintenance.store import Connection
from app.proof import checkpoints, signing
from app.proof.checkpoints import Kept
from app.proof.verifier import Checkpoint, VerifierKey, parse_note, root_of
from app.service import Service
from app.settings import Settings


async def kept(service: Service) -> list[Kept]:
    return [each async for each in checkpoints.all_kept(service.pool, 0)]


async def sealed(service: Service, settings: Settings) -> list[Kept]:
    """What is kept once a worker has taken up all and looked a few times."""
    follower = growing.follower(service.log, settings)
    while await follower.behind():
        await follower.round()
    for _ in range(3):
        follower._sealer._looked = float("-inf")
        await follower.round()
    await follower.stop()
    return await kept(service)


async def require_signed(service: Service, found: Sequence[Kept], keys: int = 1) -> None:
    leaves = await tree_of.leaves(service, 0)
    known = await signing.vkeys(service.pool, 0)
    for each in found:
        checkpoint, note = each.parsed()
        assert checkpoint.origin == f"{await signing.name_of(service.pool)}/0"
        assert (checkpoint.size, checkpoint.root) == (each.size, root_of(leaves[: each.size]))
        assert len(note.verified_by(known)) == keys


@pytest.fixture
def old(settings: Settings) -> Settings:
    """Every event is old enough for a checkpoint at once."""
    return replace(settings, checkpoint_every_s=0.01)


@ONE_PARTITION
async def test_what_is_old_is_covered(service: Service, old: Settings) -> None:
    await mixed(service, 1, 5)
    found = await sealed(service, old)
    await require_signed(service, found)
    assert [each.size for each in found] == [len(await tree_of.leaves(service, 0))]
    assert [each.age_s for each in await checkpoints.covers(service.pool)] == [None]
    (reading,) = await checkpoints.readings(service.pool)
    assert (reading.name, reading.value) == ("sessionary_checkpoint_age_seconds", 0.0)


async def test_what_is_new_waits_and_has_an_age(service: Service) -> None:
    await mixed(service, 1, 5)
    assert await sealed(service, service.settings) == []
    (reading,) = await checkpoints.readings(service.pool)
    assert 0 < reading.value < 60


@ONE_PARTITION
async def test_many_events_are_covered_as_they_come(service: Service, settings: Settings) -> None:
    often = replace(settings, checkpoint_every_events=100)
    await mixed(service, 1, 5)
    await sealed(service, often)
    await mixed(service, 2, 40)
    found = await sealed(service, often)
    await require_signed(service, found)
    sizes = [each.size for each in found]
    assert len(await tree_of.leaves(service, 0)) - sizes[-1] < 100
    assert all(later - earlier < 300 for earlier, later in pairwise(sizes))


async def test_a_second_signature_is_of_another_kind(service: Service, old: Settings) -> None:
    await mixed(service, 1, 2)
    found = await sealed(service, replace(old, checkpoint_ml_dsa=True))
    await require_signed(service, found, keys=2)
    assert {key.type for key in await signing.vkeys(service.pool, 0)} == {1, 6}


async def test_workers_that_make_the_key_at_once_have_one(
    service: Service, other_service: Service
) -> None:
    made = await asyncio.gather(
        *(
            signing.signer(each.pool, each.log.keyring, with_ml_dsa=True)
            for each in (service, other_service) * 5
        )
    )
    ids = await signing.current_ids(service.pool)
    assert len(ids) == 2
    assert [each.ids for each in made] == [ids] * 10


async def test_who_lacks_the_root_key_signs_nothing(service: Service) -> None:
    await signing.signer(service.pool, service.log.keyring, with_ml_dsa=False)
    stranger = Keyring(bytes(32), bytes(32))
    with pytest.raises(Unreadable):
        await signing.signer(service.pool, stranger, with_ml_dsa=False)


async def test_an_altered_key_signs_nothing_and_is_said(
    service: Service, owner: asyncpg.Connection, old: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    await signing.signer(service.pool, service.log.keyring, with_ml_dsa=False)
    await owner.execute("UPDATE signing_key SET public = set_byte(public, 0, 255)")
    await mixed(service, 1, 2)
    assert await sealed(service, old) == []
    assert "No checkpoint can be signed" in caplog.text


@ONE_PARTITION
async def test_a_tree_made_anew_of_the_same_log_fits(
    service: Service, store: Connection, old: Settings
) -> None:
    await mixed(service, 1, 5)
    await sealed(service, old)
    await reset(store, "tree")
    found = await sealed(service, old)
    assert [each.unfit_since for each in found] == [None]


@pytest.mark.parametrize("tampering", [
    "UPDATE stored_events SET actor = 'mallory' WHERE notification_id = 3",
    "DELETE FROM stored_events WHERE notification_id > 10",
], ids=["altered", "cut off"])  # fmt: skip
@ONE_PARTITION
async def test_checkpoints_that_the_log_does_not_fit_are_kept_and_said(
    service: Service,
    owner: asyncpg.Connection,
    store: Connection,
    old: Settings,
    caplog: pytest.LogCaptureFixture,
    tampering: str,
) -> None:
    await mixed(service, 1, 5)
    (first,) = await sealed(service, old)
    async with owner.transaction():
        await owner.execute("ALTER TABLE stored_events DISABLE TRIGGER append_only")
        await owner.execute(tampering)
        await owner.execute("ALTER TABLE stored_events ENABLE TRIGGER append_only")
        await owner.execute(
            "UPDATE log_partition SET position = (SELECT max(notification_id) FROM stored_events)"
        )
    await reset(store, "tree")
    lost, new = await sealed(service, old)
    assert (lost.number, lost.note) == (first.number, first.note)
    assert lost.unfit_since is not None
    await require_signed(service, [new])
    assert "Partition 0 is not what 1 signed checkpoints say" in caplog.text


async def test_older_ones_are_thinned_out(service: Service, owner: asyncpg.Connection) -> None:
    await mixed(service, 1, 5)
    await tree_of.caught_up(service)
    ages = [f"{minutes} minutes" for minutes in (5, 10)]
    ages += [f"{hours} hours" for hours in (2, 30, 60, 24 * 100, 24 * 150)]
    await owner.execute(
        "INSERT INTO log_checkpoint (partition, size, note, signed_at) "
        "SELECT 0, n, 'n', date_trunc('day', now() - a::interval, 'UTC') + n * '1 s'::interval "
        "FROM unnest($1::text[]) AS a CROSS JOIN generate_series(1, 3) AS n WHERE a LIKE '%hours'",
        ages,
    )
    await owner.execute(
        "INSERT INTO log_checkpoint (partition, size, note, signed_at) "
        "SELECT 0, n, 'n', now() - a::interval FROM unnest($1::text[]) AS a "
        "CROSS JOIN generate_series(1, 3) AS n WHERE a LIKE '%minutes'",
        ages,
    )
    await service.pool.ask(checkpoints.SQL["thin"], writes=True)
    found = await owner.fetch("SELECT size FROM log_checkpoint ORDER BY signed_at")
    assert [row["size"] for row in found if row["size"] < 3].count(1) == 2  # of the last hour
    assert len(found) <= 2 * 3 + 5


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO log_checkpoint (partition, size, note) VALUES (0, 1, 'x')",
        "DELETE FROM log_checkpoint",
        "UPDATE log_checkpoint SET note = 'x'",
        "UPDATE tree_tile SET hashes = ''",
        "UPDATE tree SET size = 0",
        "DELETE FROM signing_key",
        "UPDATE signing_key SET until = now()",
    ],
)
async def test_the_services_login_writes_none_of_it_itself(
    service: Service, statement: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.pool.fetch(statement)


@ONE_PARTITION
async def test_a_note_is_one_that_others_read(service: Service, old: Settings) -> None:
    await mixed(service, 1, 2)
    (found,) = await sealed(service, old)
    (key,) = await signing.vkeys(service.pool, 0)
    note = parse_note(found.note.encode())
    assert Checkpoint.parse(note.text).size == found.size
    assert VerifierKey.parse(str(key)) == key
    assert service.settings.checkpoint_every_s > sealing._LOOK_S
