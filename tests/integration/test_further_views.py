"""A second view of a kind: its file, its line and its table are all that it takes."""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest
from click.testing import CliRunner
from msgspec import Struct
from support import database, further_view, given
from support.entries import changed, entry, new_stream
from support.erasures import erased

from app.cli.main import main
from app.database import migrate
from app.database.migrate import Migration
from app.integrity import guards
from app.integrity.verify import verify
from app.log.append import Appender
from app.log.entry import Entry, Row
from app.log.keyring import Keyring
from app.log.outcome import Appended, Overtaken, Unchanged
from app.maintenance.store import Connection
from app.rebuild.dependants import ViewDependedOn
from app.rebuild.rebuild import named, rebuild
from app.service import Service
from domain.ai_session import AISession, evolve
from domain.ids import StreamId
from projections import catalog
from projections.view import View


class Subject(Struct, frozen=True):
    """What the view shows of a session that has a purpose."""

    purpose: str


SUBJECTS = View(
    projection="ai_session_subject",
    kind="ai_session",
    state=Subject,
    evolve=evolve,
    gone=lambda session: session.deleted or not session.purpose,
    session_id=lambda stream, _: str(stream),
    shown=lambda session: Subject(session.purpose),
    search=lambda session: {"letters": len(session.purpose)},
)
TABLE = """
CREATE TABLE ai_session_subject (
    partition integer NOT NULL, stream_id uuid NOT NULL, version bigint NOT NULL,
    position bigint NOT NULL, created_by text NOT NULL, created_at timestamptz NOT NULL,
    modified_by text NOT NULL, modified_at timestamptz NOT NULL, doc jsonb NOT NULL, search jsonb,
    letters integer GENERATED ALWAYS AS ((search ->> 'letters')::integer) STORED
);
CREATE INDEX ON ai_session_subject (partition, stream_id);
CREATE TABLE ai_session_subject_history (
    LIKE ai_session_subject INCLUDING GENERATED, until bigint NOT NULL DEFAULT 9223372036854775807,
    ended bigint, PRIMARY KEY (partition, stream_id, version)
);
"""
Shown = dict[StreamId, tuple[int, str, int]]


@pytest.fixture(autouse=True)
async def second(owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that has the view, on a log that had been without it."""
    present = migrate.available()
    wanted = [*present, Migration(len(present) + 1, "subjects", TABLE, "hash")]
    monkeypatch.setattr(migrate, "available", lambda: wanted)
    further_view.add(SUBJECTS, monkeypatch)
    done = await migrate.migrate(owner, wanted)
    changed = (
        "ask_rebuild", "erase", "followers", "reads", "redrive_history", "versions",
        "write_batch", "write_history", "write_views",
    )  # fmt: skip
    scripts = [f"functions/{name}_1" for name in changed]
    assert done == [f"{len(wanted):04} subjects", *scripts]


def silent(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


async def shown(owner: asyncpg.Connection) -> Shown:
    rows = await owner.fetch(
        "SELECT stream_id, version, doc ->> 'purpose' AS purpose, letters FROM ai_session_subject"
    )
    return {row["stream_id"]: (row["version"], row["purpose"], row["letters"]) for row in rows}


async def test_commands_write_its_rows_beside_those_of_the_current_state(
    service: Service, other_service: Service, owner: asyncpg.Connection, store: Connection,
    keyring: Keyring,
) -> None:  # fmt: skip
    made = await asyncio.gather(
        *(given.open_ai_session(service, purpose=purpose) for purpose in ("one", None, "three"))
    )
    one, none, three = made
    assert await shown(owner) == {
        one.folded.stream: (1, "one", 3),
        three.folded.stream: (1, "three", 5),
    }
    await given.patch_ai_session(other_service, given.session_of(none), "two")  # comes later
    await given.patch_ai_session(service, given.session_of(one), "")  # and this one goes
    await given.patch_ai_session(other_service, given.session_of(one), "back")
    await given.delete_ai_session(service, given.session_of(three))
    assert await shown(owner) == {
        none.folded.stream: (2, "two", 3),
        one.folded.stream: (3, "back", 4),
    }
    assert await verify(store, keyring, silent) == []
    row = await service.views.get("ai_session", none.folded.stream)
    assert row is not None
    assert isinstance(row.folded.state, AISession)


async def test_its_row_goes_with_the_personal_data_that_it_showed(
    service: Service, owner: asyncpg.Connection, store: Connection, keyring: Keyring
) -> None:
    gone, stays = [await given.open_ai_session(service, purpose="canary") for _ in range(2)]
    await given.patch_ai_session(service, given.session_of(gone), "canary two")
    await erased(service, given.session_of(gone))
    assert await shown(owner) == {stays.folded.stream: (1, "canary", 6)}
    assert await verify(store, keyring, silent) == []


async def test_commands_of_a_batch_that_are_not_written_write_none_of_its_rows(
    appender: Appender, owner: asyncpg.Connection
) -> None:
    streams = [new_stream() for _ in range(4)]

    def change(number: int, expected: int, events: int = 1) -> Entry:
        row = Row(SUBJECTS.name, f'{{"purpose": "{number}"}}', f'{{"letters": {number}}}')
        made = entry(streams[number], expected, events, doc="{}")
        return changed(made, further=[row] if events else [])

    told = await asyncio.gather(*map(appender.append, [change(0, 0), change(1, 0)]))
    assert list(map(type, told)) == [Appended] * 2
    told = await asyncio.gather(
        *map(appender.append, [change(0, 7), change(1, 1, 0), change(2, 0, 2), change(3, 0)])
    )
    assert list(map(type, told)) == [Overtaken, Unchanged, Appended, Appended]
    assert await shown(owner) == {
        streams[0]: (1, "0", 0),
        streams[1]: (1, "1", 1),
        streams[2]: (2, "2", 2),
        streams[3]: (1, "3", 3),
    }
    positions = "SELECT stream_id, position FROM {} ORDER BY stream_id"
    assert await owner.fetch(positions.format(SUBJECTS.name)) == await owner.fetch(
        positions.format("ai_session_info")
    )


SPOILT = {
    "missing": ("DELETE FROM {}", "no row for stream"),
    "doc": ('UPDATE {} SET doc = \'{{"purpose": "x"}}\'', "the row differs in purpose"),
    "search": ("UPDATE {} SET search = NULL", "the row differs in search"),
    "version": ("UPDATE {} SET version = 9", "version is 9, the log says 2"),
}


@pytest.mark.parametrize(("damage", "told"), SPOILT.values(), ids=SPOILT)
async def test_it_is_verified_and_rebuilt_by_its_name(
    service: Service,
    store: Connection,
    owner: asyncpg.Connection,
    keyring: Keyring,
    damage: str,
    told: str,
) -> None:
    made = await given.open_ai_session(service, purpose="one")
    await given.patch_ai_session(service, given.session_of(made), "another")
    before = await shown(owner)
    await owner.execute(damage.format(SUBJECTS.name))
    (difference,) = await verify(store, keyring, silent)
    assert difference.startswith(f"{SUBJECTS.name}: ")
    assert told in difference
    rebuilt = await rebuild(store, keyring, named([SUBJECTS.name]), silent)
    assert (rebuilt.rows, rebuilt.mended) == ({SUBJECTS.name: 1}, {SUBJECTS.name: 1})
    assert await shown(owner) == before
    assert await verify(store, keyring, silent) == []
    assert await guards.missing(store) == []
    await given.patch_ai_session(service, given.session_of(made), "on it goes")
    assert await verify(store, keyring, silent) == []


async def test_all_are_rebuilt_together_beside_writers(
    service: Service, store: Connection, owner: asyncpg.Connection, keyring: Keyring
) -> None:
    sessions = [given.session_of(await given.open_ai_session(service)) for _ in range(5)]
    await owner.execute("TRUNCATE ai_session_subject")  # as a new one is on an older log

    async def change(number: int) -> None:
        for session in sessions:
            await given.patch_ai_session(service, session, f"purpose {number}")

    rebuilding = asyncio.create_task(rebuild(store, keyring, named(()), silent))
    await asyncio.gather(*map(change, range(20)))
    rebuilt = await rebuilding
    assert set(rebuilt.rows) == {view.name for view in catalog.VIEWS}
    assert len(await shown(owner)) == 5
    assert await verify(store, keyring, silent) == []


async def test_what_others_made_on_it_keeps_it_from_being_swapped(
    store: Connection, owner: asyncpg.Connection, keyring: Keyring
) -> None:
    await owner.execute("CREATE VIEW mine AS SELECT stream_id FROM ai_session_subject")
    with pytest.raises(ViewDependedOn, match=r"ai_session_subject cannot be swapped.* view mine"):
        await rebuild(store, keyring, named([SUBJECTS.name]), silent)


def test_the_command_line_knows_it(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("key")
    database.write_master_key(folder / "master.key")

    def sessionary(*arguments: str) -> Sequence[object]:
        options = [f"--database-url={database_url}", f"--data-dir={folder}"]
        ended = CliRunner().invoke(main, [*arguments, *options, "--allow-unsafe-database"])
        return ended.exit_code, ended.stderr

    code, said = sessionary("rebuild", SUBJECTS.name)
    assert code == 0
    assert "ai_session_subject: 0 rows" in str(said)
    assert sessionary("verify")[0] == 0
