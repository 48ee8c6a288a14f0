"""How this node does, in words."""

from collections.abc import Iterator

from app.telemetry.node import Node, Span

_GIB = 2**30


def node_facts(node: Node) -> list[tuple[str, str]]:
    """A name and a value each."""
    return list(_facts(node))


def _facts(node: Node) -> Iterator[tuple[str, str]]:
    yield "requests of this node", _span(node.requests)
    yield "appends of this node", _span(node.appends)
    size = "none so far" if node.batch_size is None else f"{node.batch_size:g} on average"
    yield "commands in an append", size
    for pool in node.pools:
        states = ", ".join(f"{count} {state}" for state, count in sorted(pool.connections.items()))
        yield f"pool {pool.name} of this node", states
    if node.disk is None:
        yield "disk", "the database's disk cannot be seen from here"
    else:
        free, total = node.disk.free_bytes / _GIB, node.disk.total_bytes / _GIB
        yield "disk", f"{free:.1f} GiB free of {total:.1f}"


def _span(span: Span) -> str:
    if not span.count:
        return "none so far"
    half, most = ("over 10 s" if ms is None else f"{ms:g} ms" for ms in (span.p50_ms, span.p99_ms))
    return f"half within {half}, 99 % within {most}, of {span.count}"
