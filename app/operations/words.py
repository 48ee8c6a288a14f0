"""How all of it stands, in words: for pages and for the command line."""

from collections.abc import Iterator

from app.operations.deeds import Deed
from app.operations.rebuilds import Rebuild
from app.operations.status import Status


def span(seconds: float) -> str:
    """Seconds, minutes, hours or days, whichever are few."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def size(count: int) -> str:
    """Bytes in the largest unit of which there are some."""
    for unit, whole in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20)):
        if count >= whole:
            return f"{count / whole:.1f} {unit}"
    return f"{count / 2**10:.0f} KiB"


def facts(found: Status) -> list[tuple[str, str]]:
    """What a status rests on: a name and a value each."""
    return list(_facts(found))


def _facts(found: Status) -> Iterator[tuple[str, str]]:
    database, rates = found.database, found.rates
    yield "PostgreSQL", f"{database.version}, up {span(database.up_seconds)}"
    yield "round trip", f"{database.round_trip_ms} ms"
    yield "connections", f"{database.connections} of {database.most_connections}"
    yield "commits wait for", database.waits_for or "no standby"
    if found.standby is not None:
        yield "standby", found.standby.reason or "lists, past moments and audits are read from it"
    yield "size", f"{database.bytes / 2**20:.0f} MiB"
    yield "schema", f"migration {database.migration}"
    for head in found.heads:
        age = "no event" if head.age_seconds is None else f"{span(head.age_seconds)} ago"
        yield f"head of partition {head.partition}", f"{head.position}, {age}"
    lately = f"now {rates.per_second[-1]:g}, mean {rates.mean:.2g}, highest {rates.highest:g}"
    yield "events a second", f"{lately}, in {span(rates.step_seconds * len(rates.per_second))}"
    for rebuild in found.rebuilds:
        yield f"{rebuild.kind} of {', '.join(rebuild.projections)}", _stands(rebuild)
    yield "last backup", _told(found.last_backup)
    yield "last verify", _told(found.last_verify)
    for worker in found.workers:
        told = f"{worker.release}, {worker.connections} connections"
        if worker.since is not None:
            told += f", the oldest since {worker.since:%Y-%m-%d %H:%M:%S} UTC"
        yield f"worker {worker.name}", told


def _stands(rebuild: Rebuild) -> str:
    """How far a rebuild is, or why nobody works on it."""
    if rebuild.waits_for is not None:
        return f"{rebuild.state}: {rebuild.waits_for}"
    parts = [rebuild.state, *([rebuild.phase] if rebuild.phase else [])]
    if rebuild.total is not None:
        parts.append(f"{rebuild.events} of {rebuild.total} events")
    if rebuild.eta is not None:
        parts.append(f"{rebuild.rate:.0f} a second, {span(rebuild.eta)} left")
    return ", ".join(parts)


def _told(deed: Deed | None) -> str:
    if deed is None:
        return "none on record"
    up_to = {} if deed.covers is None else deed.covers.up_to
    places = ", ".join(f"{partition}:{position}" for partition, position in up_to.items())
    ends = f", up to {places}" if places else ""
    return f"{span(deed.age_seconds)} ago by {whom(deed)}: {deed.outcome}{ends}"


def whom(deed: Deed) -> str:
    """By which login something was done, and from where."""
    return f"{deed.login} from {deed.address or 'the machine of the database'}"
