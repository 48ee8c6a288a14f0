"""Proofs are asked for while what they are made of was altered: a sentence, never a fault."""

from random import Random

import asyncpg
from support.database import ONE_PARTITION
from support.tampering import Attacker

from app.proof.verifier import Checkpoint, parse_note
from app.settings import Settings
from integration.test_proof_routes import sealing

URLS = (
    "/audit/checkpoint",
    "/audit/checkpoint?size=7",
    "/audit/checkpoint/key",
    "/audit/checkpoint/key?former=true",
    "/audit/proof/inclusion?position=0:5",
    "/audit/proof/inclusion.tlog-proof?position=0:5",
    "/audit/proof/inclusion.tlog-proof?position=0:5&size=7",
    "/audit/proof/consistency?from=3",
    "/audit/tiles/0/checkpoint",
    "/audit/tiles/0/tile/0/000",
    "/audit/proof",
)
DAMAGES = {
    "notes": "UPDATE log_checkpoint SET note = 'x'",
    "notes without a signature": "UPDATE log_checkpoint SET note = split_part(note, chr(8212), 1)",
    "notes of another size": "UPDATE log_checkpoint SET size = size - 1",
    "no notes": "DELETE FROM log_checkpoint",
    "a sealed key": "UPDATE signing_key SET sealed = set_byte(sealed, 9, 7)",
    "a sealed key's length": "UPDATE signing_key SET sealed = ''",
    "a public key": "UPDATE signing_key SET public = set_byte(public, 9, 7)",
    "a public key's length": "UPDATE signing_key SET public = 'x'",
    "a key's type": "UPDATE signing_key SET algorithm = 999",
    "no keys": "DELETE FROM signing_key",
    "hashes": "UPDATE tree_tile SET hashes = substring(hashes, 1, 33)",
    "no edge": "DELETE FROM tree",
    "an event": "DELETE FROM stored_events WHERE notification_id = 5",
    "an event's state": "UPDATE stored_events SET state = '' WHERE notification_id = 5",
    "an event's time": "UPDATE stored_events SET recorded_at = 'infinity'"
    " WHERE notification_id = 5",
}


@ONE_PARTITION
async def test_what_was_altered_is_refused_in_words(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with sealing(settings, owner) as (client, _):
        attacker = await Attacker.let_in(owner, Random(1), {})
        for damage, statement in DAMAGES.items():
            await owner.execute(statement)
            for url in URLS:
                answer = await client.get(url)
                about = (damage, url, answer.status_code, answer.text)
                if answer.status_code == 503:  # the tree is made again
                    assert answer.json()["error"]["code"] == "TreeNotWhole", about
                elif answer.status_code != 200:
                    assert answer.status_code == 404, about
                    assert len(answer.json()["error"]["message"]) > 20, about
                elif "/checkpoint" in url and "key" not in url:
                    Checkpoint.parse(parse_note(answer.content).text)
            await attacker.undo()
        for url in URLS:
            assert (await client.get(url)).status_code == 200, url


async def test_a_note_from_outside_that_is_wrong_is_told(
    settings: Settings, owner: asyncpg.Connection
) -> None:
    async with sealing(settings, owner) as (client, _):
        note = (await client.get("/audit/checkpoint")).text
        altered = (
            "x",
            note.replace("\n", "\nA", 2),
            note.replace("sessionary-", "foreign-"),
            note.partition("\u2014")[0],
            note.replace("\n", "\n" + "9" * 40, 1),
            "\0" * 100,
        )
        for each in altered:
            answer = await client.get("/audit/proof", params={"note": each})
            assert answer.status_code in {200, 400}, answer.text
            if answer.status_code == 200:
                assert answer.json()["compared"]["holds"] is False, answer.text
