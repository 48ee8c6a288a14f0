"""Whatever a superuser does to a log, both verifiers find it by a checkpoint that others keep.

They name the first bad position where the database's own hashes make the checkpoint's root. Where
they do not, the stand-alone verifier names none, and `verify` the first that may be.
"""

import os
import shutil
from random import Random
from typing import Any

import asyncpg
import pytest
from support.database import ONE_PARTITION, SEVERAL
from support.histories import mixed
from support.kept import Kept
from support.tampering import KINDS, Attacker, Place, re_attribute

from app.integrity.authenticity import examine
from app.integrity.examined import Examined
from app.maintenance.store import Connection
from app.service import Service

TAMPERINGS = int(os.environ.get("TEST_TAMPERINGS", "20"))
SEED = int(os.environ.get("TEST_SEED", "14"))
PARTITIONS = pytest.mark.parametrize("partitions", [1, SEVERAL], ids=["one", "several"])
NEEDS_PSQL = pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not installed")
pytestmark = NEEDS_PSQL


@pytest.fixture
async def kept(service: Service, tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> Kept:
    """Checkpoints of a log of 300 events or so, of all of it."""
    kept = Kept(tmp_path, capsys)
    await mixed(service, 1, 40)
    await kept.keep(service)
    return kept


@pytest.fixture
async def attacker(kept: Kept, owner: asyncpg.Connection) -> Attacker:
    """Who may do everything to the log's tables."""
    sizes = {int(each.checkpoint.origin.rpartition("/")[2]): each.checkpoint.size
             for each in kept.given}  # fmt: skip
    return await Attacker.let_in(owner, Random(SEED), sizes)


class Found:
    """What both say of a log as it is now."""

    def __init__(self, code: int, answer: dict[str, Any], examined: Examined) -> None:
        first = answer["firstBadPosition"]
        self.by_verifier = code == 1 and not answer["ok"]
        self.by_verify = bool(examined.differences)
        self.verifier_names: Place | None = None
        if first is not None:
            partition, _, position = first.partition(":")
            self.verifier_names = int(partition), int(position)
        self.verify_names = examined.first_bad
        self.told = answer, examined


async def look(kept: Kept, owner: asyncpg.Connection, database_url: str) -> Found:
    code, answer = kept.ask("database", database_url)
    examined = await examine(Connection(owner), kept.given, kept.keys, {}, lambda *_: None)
    return Found(code, answer, examined)


@PARTITIONS
async def test_every_change_is_found_and_the_first_bad_position_named(
    kept: Kept, attacker: Attacker, database_url: str
) -> None:
    for number in range(TAMPERINGS // 2):
        kind = list(KINDS)[number % len(KINDS)]
        await KINDS[kind](attacker)
        bad = await attacker.bad()
        assert bad, kind
        found = await look(kept, attacker.raw, database_url)
        about = (number, kind, bad[:3], found.told)
        assert (found.by_verifier, found.by_verify) == (True, True), about
        assert (found.verifier_names, found.verify_names) == (bad[0], bad[0]), about
        await attacker.undo()
    clean = await look(kept, attacker.raw, database_url)
    assert (clean.by_verifier, clean.by_verify) == (False, False), clean.told


@PARTITIONS
@pytest.mark.parametrize("signs", [False, True], ids=["hashed anew", "signed anew"])
async def test_an_attacker_who_hashes_all_anew_is_found(
    kept: Kept, attacker: Attacker, database_url: str, signs: bool
) -> None:
    name = kept.given[0].checkpoint.origin.rpartition("/")[0]
    for number in range(TAMPERINGS // 4):
        kind = list(KINDS)[(number + 5 * signs) % len(KINDS)]
        await KINDS[kind](attacker)
        await (attacker.sign_anew(name) if signs else attacker.hash_anew())
        bad = await attacker.bad()
        found = await look(kept, attacker.raw, database_url)
        about = (number, kind, bad[:3], found.told)
        assert (found.by_verifier, found.by_verify) == (True, True), about
        # (Without hashes to compare with, times that run backwards accuse the later event.)
        after = [(partition, position + 1) for partition, position in bad]
        assert found.verifier_names in {None, *bad, *after}, about
        assert found.verify_names is not None, about
        assert found.verify_names <= bad[0] or found.verify_names in bad, about
        await attacker.undo()


@ONE_PARTITION
async def test_hashes_that_were_altered_elsewhere_do_not_mislead(
    kept: Kept, attacker: Attacker, database_url: str
) -> None:
    for altered, shown in [(40, 9), (9, 40), (200, 40)]:
        here = f"WHERE notification_id = {altered}"
        await attacker.raw.execute(f"UPDATE stored_events SET actor = 'mallory' {here}")
        await attacker.hash_anew()
        flip = "set_byte(hashes, 32 * ($1 - 1), get_byte(hashes, 32 * ($1 - 1)) # 1)"
        await attacker.raw.execute(
            f"UPDATE tree_tile SET hashes = {flip} WHERE level = 0 AND tile_index = 0", shown
        )
        found = await look(kept, attacker.raw, database_url)
        assert (found.by_verifier, found.verifier_names) == (True, None), found.told
        assert (found.by_verify, found.verify_names) == (True, (0, 1)), found.told
        await attacker.undo()


BESIDE_THE_EVENTS = {
    "a hash": "UPDATE tree_tile SET hashes = set_byte(hashes, 70, get_byte(hashes, 70) # 1)"
    " WHERE level = 0",
    "no hashes": "TRUNCATE tree_tile",
    "the edge": "UPDATE tree SET frontier = set_byte(frontier, 5, get_byte(frontier, 5) # 1)",
    "a root that is signed": "UPDATE log_checkpoint SET note = regexp_replace(note, "
    "'^([^\\n]+\\n[0-9]+\\n)..', '\\1AA')",
    "no note": "UPDATE log_checkpoint SET note = 'x'",
    "the size that stands beside a note": "UPDATE log_checkpoint SET size = size - 1",
    "a public key": "UPDATE signing_key SET public = set_byte(public, 1, get_byte(public, 1) # 1)",
    "a public key's length": "UPDATE signing_key SET public = 'x'",
    "a key's type": "UPDATE signing_key SET algorithm = 999",
    "no keys": "DELETE FROM signing_key",
    "the log's name": "UPDATE log_setting SET value = 'other' WHERE name = 'log_name'",
}


@pytest.mark.parametrize("altered", BESIDE_THE_EVENTS)
@ONE_PARTITION
async def test_what_was_altered_beside_the_events_is_told(
    kept: Kept, attacker: Attacker, database_url: str, altered: str
) -> None:
    await attacker.raw.execute(BESIDE_THE_EVENTS[altered])
    found = await look(kept, attacker.raw, database_url)
    assert found.by_verify, found.told
    # Events are shown from outside: the stand-alone verifier needs none of all that.
    assert not found.by_verifier, found.told


async def test_a_key_from_outside_counts_more_than_those_of_the_database(
    kept: Kept, attacker: Attacker
) -> None:
    await re_attribute(attacker)
    await attacker.sign_anew(kept.given[0].checkpoint.origin.rpartition("/")[0])
    store = Connection(attacker.raw)
    alone = await examine(store, [], [], {}, lambda *_: None)
    assert (alone.differences, alone.covered) == ([], True)  # nothing is from outside
    by_key = await examine(store, [], kept.keys, {}, lambda *_: None)
    assert by_key.covered is False


@ONE_PARTITION
async def test_a_row_without_a_value_is_found(
    kept: Kept, attacker: Attacker, database_url: str
) -> None:
    for column in ("state", "topic", "actor", "metadata", "recorded_at", "originator_version"):
        await attacker.raw.execute(f"ALTER TABLE stored_events ALTER {column} DROP NOT NULL")
        await attacker.raw.execute(
            f"UPDATE stored_events SET {column} = NULL WHERE notification_id = 17"
        )
        found = await look(kept, attacker.raw, database_url)
        assert (found.by_verifier, found.verifier_names) == (True, (0, 17)), (column, found.told)
        assert (found.by_verify, found.verify_names) == (True, (0, 17)), (column, found.told)
        await attacker.undo()
