"""The verifier as a whole process over an export of very many events, on one core.

Its peer reads the same lines, decodes the JSON of each, and hashes it: a verifier that uses
Python's own decoder does at least that.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from statistics import median

import asyncpg
from support.beside import silent
from support.histories import mixed

from app.care.export import sealed
from app.database.sql import blocks
from app.followers import tree
from app.maintenance.keys import keyring_of
from app.maintenance.store import DataLocation, connected
from app.proof import on_demand, standalone

from .measure import BenchmarkFailed, Pace
from .our_store import OurStore, our_store
from .report import limits_table
from .stage import Stage

SQL = blocks(__file__)
AT_MOST_S = 10.0
"""For a million events."""
_SESSIONS = 1_500
"""Of each kind, in the log that is copied: some 10,000 events."""
_EVENTS_PER_SESSION = 6
"""Of both kinds together, at least."""
_TRUSTED = "SET LOCAL session_replication_role = replica"
"""Without the triggers that check each event."""
_PEER = """
import json, sys
from hashlib import sha256
with open(sys.argv[1], "rb") as lines:
    for line in lines:
        json.loads(line)
        sha256(line).digest()
"""


def run(stage: Stage, pace: Pace, events: int) -> str:
    """Measure over an export of some `events`, and tell in Markdown."""
    folder = stage.folder / "verified"
    folder.mkdir()
    with our_store(stage, "verified") as ours:
        ours.loop.run(mixed(ours.service, 1, max(1, min(_SESSIONS, events // _EVENTS_PER_SESSION))))
        count = ours.loop.run(_exported(ours, folder, events))
    (folder / "verifier.py").write_text(standalone.text(), encoding="utf-8")
    verifier = [
        str(folder / "verifier.py"), "export", str(folder / "log.ndjson"),
        "--checkpoint", str(folder / "checkpoints"), "--key", str(folder / "keys"),
    ]  # fmt: skip
    ours_s, peer_s = list[float](), list[float]()
    for number in range(pace.rounds):  # by turns, every second round the other way round
        turns = [(ours_s, verifier), (peer_s, ["-c", _PEER, str(folder / "log.ndjson")])]
        for seconds, command in turns[:: 1 if number % 2 == 0 else -1]:
            seconds.append(_processor_s(command) * 1_000_000 / count)
    return _told(count, ours_s, peer_s)


def _told(count: int, ours_s: Sequence[float], peer_s: Sequence[float]) -> str:
    title = f"The verifier over an export of {count:,} events: processor seconds for 1,000,000"
    row = ("all events, against a checkpoint", AT_MOST_S, *_spread(ours_s))
    middle, least, most = _spread([a / b for a, b in zip(ours_s, peer_s, strict=True)])
    return (
        f"{limits_table(title, [row])}\n"
        f"It takes {middle:.2f} times ({least:.2f}-{most:.2f}) what it takes to decode the JSON of "
        f"each line and to hash the line ({median(peer_s):.2f} s).\n"
    )


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    return median(values), min(values), max(values)


def _processor_s(command: Sequence[str]) -> float:
    """Processor time of a whole process of Python; it has one thread."""
    before = os.times()
    ended = subprocess.run([sys.executable, *command], capture_output=True, check=False)
    after = os.times()
    if ended.returncode:
        raise BenchmarkFailed((ended.stdout + ended.stderr).decode())
    return sum(after[2:4]) - sum(before[2:4])  # of children that ended


async def _exported(ours: OurStore, folder: Path, events: int) -> int:
    """Copy the log until it has so many events, and export it; the number of its events."""
    owner = await asyncpg.connect(ours.url)
    try:
        count = await _copied(owner, events)
    finally:
        await owner.close()
    follower = tree.follower(ours.service.log, ours.service.settings)
    while await follower.behind():
        await follower.round()
    await follower.stop()
    where = DataLocation(database_url=ours.url, data_dir=ours.data_dir)
    async with connected(ours.url) as store:
        keyring = await keyring_of(store, where)
        await on_demand.sign(store, keyring)
        notes = await on_demand.notes(store, keyring, None, None)
        keys = await on_demand.keys_of(store, keyring, None, former=False)
        (folder / "checkpoints").write_text("".join(notes))
        (folder / "keys").write_text("".join(f"{key}\n" for key in keys))
        with (folder / "log.ndjson").open("wb") as file:
            async for block in sealed(store, keyring, None, silent):
                file.writelines(block)
    return count


async def _copied(owner: asyncpg.Connection, events: int) -> int:
    row = await owner.fetchrow(SQL["measures"])
    assert row is not None
    begun, lasted = int(row["events"]), timedelta(seconds=row["lasted"].total_seconds())
    copies = max(events // begun - 1, 0)
    async with owner.transaction():
        await owner.execute(_TRUSTED)
        await owner.execute(SQL["copied_id"])
        await owner.execute(SQL["events"], begun, lasted, copies)
        await owner.execute(SQL["keys"], copies)
        await owner.execute(SQL["head"])
    await owner.execute("VACUUM ANALYZE")
    return begun * (copies + 1)
