"""Begins a follower anew: its tables are emptied, and it takes up the whole log again."""

from collections.abc import Mapping, Sequence

from app.database.sql import blocks
from app.followers import activity, history, people
from app.followers.names import OWN, UnknownFollower, is_own, schema_of, version_of
from app.log.read import Asks
from app.maintenance.store import Connection
from projections import catalog

SQL = blocks(__file__)
_TABLES: Mapping[str, Sequence[str]] = {
    history.NAME: ("event_index", "history_reach"),
    activity.NAME: ("activity", "activity_actor"),
    people.NAME: ("person_term",),
}


async def followers(store: Asks) -> list[str]:
    """Our own ones, and the projections that follow or have followed."""
    known = [row["name"] for row in await store.ask(SQL["known"])]
    return [*OWN, *(name for name in known if name not in OWN)]


async def require(store: Asks, name: str) -> None:
    """Raise UnknownFollower if none has that name."""
    if name not in (known := await followers(store)):
        raise UnknownFollower(f"There is no follower {name!r}: there are {', '.join(known)}")


async def reset(store: Connection, name: str) -> None:
    """Empty a follower's tables, all at once; whoever follows fills them again.

    `history` stands for the histories of all versions of views, whoever follows them.
    """
    known = await followers(store)
    names = [name, *(each for each in known if name == history.NAME and version_of(each))]
    async with store.raw.transaction():
        # (First the checkpoints, as followers do: else each could wait for the other.)
        for each in names:
            await store.raw.execute(SQL["begin_anew"], each)
            await store.raw.execute(SQL["let_out"], each)
        if tables := await _tables(store, name):
            await store.raw.execute(SQL["empty"].format(tables=", ".join(tables)))


async def _tables(store: Connection, name: str) -> list[str]:
    if not is_own(name):
        rows = await store.raw.fetch(SQL["tables"], schema_of(name))
        return [row["name"] for row in rows]
    versions = catalog.names_of_all_versions() if name == history.NAME else [version_of(name)]
    histories = [f"{each}_history" for each in versions if each is not None]
    there = await store.raw.fetch(SQL["there"], histories)
    return [*_TABLES.get(name, ()), *(row["name"] for row in there)]


async def forget(store: Connection, name: str) -> None:
    """Forget a projection, with all that is in its schema. Raises UnknownFollower for our own."""
    if is_own(name):
        raise UnknownFollower(f"{name} is a part of the service, and cannot be forgotten")
    await require(store, name)
    async with store.raw.transaction():
        await store.raw.execute(SQL["forget"], name)
        await store.raw.execute(SQL["let_out"], name)
        await store.raw.execute(SQL["drop"].format(schema=schema_of(name)))
