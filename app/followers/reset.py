"""Begins a follower anew: its tables are emptied, and it takes up the whole log again."""

from collections.abc import Mapping, Sequence

from app.database.sql import blocks
from app.followers import activity, history, people, tree
from app.followers.names import OWN, UnknownFollower, is_own, schema_of, version_of
from app.log.read import Asks
from app.maintenance.store import Connection

SQL = blocks(__file__)
_TABLES: Mapping[str, Sequence[str]] = {
    history.NAME: ("event_index", history.REACH),
    activity.NAME: ("activity", "activity_actor"),
    people.NAME: ("person_term",),
    tree.NAME: ("tree", "tree_tile"),
}
"""What each of our own ones keeps, beside histories."""


async def followers(store: Asks) -> list[str]:
    """Our own ones, and the projections that follow or have followed."""
    known = [row["name"] for row in await store.ask(SQL["known"])]
    return [*OWN, *(name for name in known if name not in OWN)]


async def require(store: Asks, name: str) -> None:
    """Raise UnknownFollower if none has that name."""
    if name not in (known := await followers(store)):
        raise UnknownFollower(f"There is no follower {name!r}: there are {', '.join(known)}")


async def reset(store: Connection, name: str) -> None:
    """Empty a follower's tables, all at once; whoever follows fills them again."""
    async with store.raw.transaction():
        # (First the checkpoint, as followers do: else each could wait for the other.)
        await store.raw.execute(SQL["begin_anew"], name)
        await store.raw.execute(SQL["let_out"], name)
        if empty := await tables(store, name):
            await store.raw.execute(SQL["empty"].format(tables=", ".join(empty)))


async def tables(store: Connection, name: str) -> list[str]:
    """What a follower keeps."""
    if (version := version_of(name)) is not None:
        return [f"{version}_history"]
    if not is_own(name):
        rows = await store.raw.fetch(SQL["tables"], schema_of(name))
        return [row["name"] for row in rows]
    kept = await history.kept(store) if name == history.NAME else []
    return [*_TABLES[name], *(view.history for view in kept)]


async def forget(store: Connection, name: str) -> None:
    """Forget a projection, with all that is in its schema. Raises UnknownFollower for our own."""
    if is_own(name):
        raise UnknownFollower(f"{name} is a part of the service, and cannot be forgotten")
    await require(store, name)
    async with store.raw.transaction():
        await store.raw.execute(SQL["forget"], name)
        await store.raw.execute(SQL["let_out"], name)
        await store.raw.execute(SQL["drop"].format(schema=schema_of(name)))
