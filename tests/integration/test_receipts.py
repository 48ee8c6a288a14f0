"""Receipts are signed once the tree has what they are about, and stay."""

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
from msgspec.structs import replace
from support import given, tree_of
from support.backups import backed_up
from support.database import ONE_PARTITION, SEVERAL
from support.erasures import CANARY, chatted, erased, opened
from support.erasures import shown_by as shown

from app.care import backup_keys
from app.erasure import receipts
from app.erasure.erase import Eraser
from app.erasure.receipts import NotIssued
from app.history.sessions import session_named
from app.history.times import time_text
from app.proof import signing
from app.proof.receipt import parse_receipts, show_receipt
from app.proof.verifier import Unproven
from app.service import Service
from domain.errors import NotFound, OnHold
from domain.hold import PlaceHold
from domain.ids import AISessionId


async def receipt(service: Service, erasure_id: str, wait_s: float = 0.0) -> str:
    return await receipts.signed(service.log, service.settings, UUID(erasure_id), wait_s)


@ONE_PARTITION
async def test_a_receipt_shows_the_erasure_between_two_checkpoints(service: Service) -> None:
    chat, session = await chatted(service), await opened(service)
    await tree_of.caught_up(service)
    done = await erased(service, chat)
    await given.patch_ai_session(service, AISessionId(session), "goes on")
    await tree_of.caught_up(service)
    line = await receipt(service, done.erasure_id)
    assert CANARY not in line
    told = json.loads(line)
    assert list(told)[:7] == ["form", "id", "log", "issuedAt", "askedBy", "approvedBy", "reason"]
    assert (told["askedBy"], told["approvedBy"], told["reason"]) == ("dora", None, "asked for")
    assert (told["backups"]["horizonDays"], told["id"]) == (35, done.erasure_id)
    (partition,) = told["partitions"]
    before, after = (int(partition[name].split("\n")[1]) for name in ("before", "after"))
    fence = int(told["sessions"][0]["fence"].partition(":")[2])
    assert before < fence < after
    assert [each["subject"] for each in told["sessions"][0]["scopes"]] == ["customer", "agent"]
    words = await shown(service, line)
    assert words[1].startswith(f"personal data (customer and agent) of {chat} was erased by event")


async def test_it_waits_for_the_tree_says_so_and_stays_once_it_is_signed(
    service: Service, owner: asyncpg.Connection
) -> None:
    done = await erased(service, await opened(service))
    early = await receipt(service, done.erasure_id)
    with pytest.raises(Unproven, match=f"get the receipt {done.erasure_id} again"):
        await shown(service, early)
    (listed,) = await receipts.page(service.log, None, 9)
    assert (str(listed.id), listed.sessions, listed.signed) == (done.erasure_id, 1, False)
    waiting = asyncio.create_task(receipt(service, done.erasure_id, 20))
    await tree_of.caught_up(service)
    line = await waiting
    assert len(await shown(service, line)) == 2
    assert json.loads(line)["partitions"][0]["before"] is None  # there was no tree yet
    await opened(service)
    await tree_of.caught_up(service)
    assert await receipt(service, done.erasure_id) == line
    assert (await receipts.page(service.log, None, 9))[0].signed
    for change in ("UPDATE receipt SET reason = 'x'", "DELETE FROM receipt", "TRUNCATE receipt"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append only"):
            await owner.execute(change)


async def test_what_was_erased_before_has_another_receipt_of_the_first_erasure(
    service: Service,
) -> None:
    session = await opened(service)
    first = await erased(service, session)
    await tree_of.caught_up(service)
    again = await erased(service, session, reason="once more")
    line = await receipt(service, again.erasure_id)
    told = json.loads(line)
    assert (told["id"], told["reason"]) == (again.erasure_id, "once more")
    assert told["sessions"][0]["erasureId"] == first.erasure_id
    assert len(await shown(service, line)) == 2
    pages = [await receipts.page(service.log, None, 1)]
    pages.append(await receipts.page(service.log, pages[0][0].id, 9))
    found = [str(each.id) for page in pages for each in page]
    assert found == [again.erasure_id, first.erasure_id]


async def test_what_is_refused_has_none(service: Service) -> None:
    session = await opened(service)
    await service.commands.handle(PlaceHold(target=session, reason="a lawsuit"), given.call())
    with pytest.raises(OnHold):
        await erased(service, session)
    assert await receipts.page(service.log, None, 9) == []
    with pytest.raises(NotFound):
        await receipt(service, str(uuid4()))


async def test_an_altered_event_or_tree_is_in_no_receipt(
    service: Service, owner: asyncpg.Connection
) -> None:
    done = await erased(service, await opened(service))
    await tree_of.caught_up(service)
    await owner.execute("ALTER TABLE stored_events DISABLE TRIGGER append_only")
    await owner.execute("UPDATE stored_events SET actor = 'eve' WHERE topic LIKE '%erased%'")
    with pytest.raises(NotIssued, match="cannot be signed: The inclusion proof does not lead"):
        await receipt(service, done.erasure_id)
    await owner.execute("UPDATE tree_tile SET hashes = ''")
    with pytest.raises(NotIssued, match="cannot be signed: The tree lacks hashes"):
        await receipt(service, done.erasure_id)


async def test_the_horizon_of_copies_is_the_one_that_is_set(service: Service) -> None:
    done = await erased(service, await opened(service))
    await tree_of.caught_up(service)
    settings = replace(service.settings, backup_horizon_days=7, checkpoint_ml_dsa=True)
    told = json.loads(await receipts.signed(service.log, settings, UUID(done.erasure_id), 0))
    assert told["backups"]["horizonDays"] == 7
    assert "gone after 7 days" in told["backups"]["means"]
    assert (told["backups"]["sealed"], told["backups"]["unsealed"]) == (0, 0)
    assert told["backups"]["until"] == time_text(await erased_at(service) + timedelta(days=7))


async def erased_at(service: Service) -> datetime:
    (row,) = await service.pool.ask("SELECT erased_at FROM receipt")
    at: datetime = row["erased_at"]
    return at


async def test_a_backup_that_can_be_opened_for_longer_than_the_policy_says_is_the_horizon(
    service: Service, owner: asyncpg.Connection, database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "keys").mkdir()
    own = backup_keys.new(tmp_path / "keys", 90)
    await backed_up(database_url, tmp_path / "sealed", own)
    await backed_up(database_url, tmp_path / "old")
    await owner.execute(
        "UPDATE backup_begun SET begun_at = begun_at - interval '8 days' WHERE until IS NULL"
    )
    await backed_up(database_url, tmp_path / "young")
    done = await erased(service, await opened(service))
    later = backup_keys.new(tmp_path / "keys", 365)
    await owner.execute("INSERT INTO backup_begun (until) VALUES ($1)", later.until)
    await tree_of.caught_up(service)
    settings = replace(service.settings, backup_horizon_days=7)
    line = await receipts.signed(service.log, settings, UUID(done.erasure_id), 0)
    told = json.loads(line)["backups"]
    assert told["until"] == told["sealedUntil"] == time_text(own.until)
    assert (told["horizonDays"], told["sealed"], told["unsealed"]) == (7, 1, 1)
    assert len(await shown(service, line)) == 2


@pytest.mark.parametrize("partitions", [SEVERAL], ids=["several"])
async def test_sessions_of_several_partitions_are_in_one_receipt(
    service: Service, partitions: int
) -> None:
    names = [await opened(service) for _ in range(20)]
    await tree_of.caught_up(service)
    sessions = [await session_named(service.reader, name) for name in names]
    eraser = Eraser(service.log, service.reader, given.call("dora"), "asked for")
    done = await eraser.of_sessions(sessions, lambda _: ["customer"], mentioned=["7"])
    await tree_of.caught_up(service)
    line = await receipt(service, done.erasure_id)
    told = json.loads(line)
    homes = sorted({int(each["fence"].partition(":")[0]) for each in told["sessions"]})
    assert [each["partition"] for each in told["partitions"]] == homes
    assert len(homes) > 1
    assert told["mentioned"] == ["7"]
    assert len(await shown(service, line)) == 21
    keys = await signing.vkeys(service.pool, homes[0])
    with pytest.raises(Unproven, match="of which no key was given"):
        show_receipt(parse_receipts(line.encode())[0], keys)


@ONE_PARTITION
async def test_it_names_who_approved_and_each_position(service: Service) -> None:
    name = await opened(service)
    for text in ("one", "two", "three"):
        await given.patch_ai_session(service, AISessionId(name), text)
    await given.open_account(service)
    await given.patch_ai_session(service, AISessionId(name), "four")
    session = await session_named(service.reader, name)
    eraser = Eraser(service.log, service.reader, given.call("dora"), "asked for", "ada")
    done = await eraser.of_sessions([session], lambda _: ["customer"])
    await tree_of.caught_up(service)
    line = await receipt(service, done.erasure_id)
    (told,) = json.loads(line)["sessions"]
    fence = int(told["fence"].partition(":")[2])
    (scope,) = told["scopes"]
    assert (scope["positions"], scope["events"]) == (
        [f"0:{fence - 7}-{fence - 3}", f"0:{fence - 1}"],
        6,
    )
    assert json.loads(line)["approvedBy"] == "ada"
    assert len(await shown(service, line)) == 2
    with pytest.raises(Unproven, match="altered"):
        await shown(service, line.replace('"approvedBy":"ada"', '"approvedBy":"eve"'))
