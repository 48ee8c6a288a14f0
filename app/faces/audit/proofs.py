"""Checkpoints, proofs, and the rows of hashes that mirrors fetch (C2SP tlog-tiles)."""

import re
from base64 import b64encode
from types import MappingProxyType

import msgspec

from app.codecs.json_text import BadInput
from app.faces.audit.query import Query
from app.http.errors import Responses
from app.http.request import Reply, Request
from app.log.read import heads
from app.proof import proving, signing, tree
from app.proof.edge import TILE
from app.proof.proving import Inclusion, NothingSigned
from app.proof.tree import TreeDamaged
from app.proof.trees import HASH_BYTES
from app.service import Service
from domain.errors import NotFound

RESPONSES: Responses = MappingProxyType(
    {NothingSigned: (404, "NotFound"), TreeDamaged: (503, "TreeNotWhole")}
)
_PARTS = ("first", "second", "third", "fourth")
TILE_PATHS = ["/".join(f"{{{name}}}" for name in _PARTS[:count]) for count in range(1, 5)]
"""A row's number has up to three parts of three digits each, and its width a further one."""
_TEXT = b"text/plain; charset=utf-8"
_BYTES = b"application/octet-stream"
_ENCODER = msgspec.json.Encoder()
_POSITION = re.compile("([0-9]{1,9}):([0-9]{1,18})")
_NUMBER = re.compile("[0-9]{1,18}")
_PARTITION = re.compile("[0-9]{1,9}")
_INDEX = re.compile("(?!x000/)((?:x[0-9]{3}/)*)([0-9]{3})(?:[.]p/([1-9][0-9]{0,2}))?")
_LEVEL = re.compile("[0-7]")


async def get_checkpoint(request: Request, service: Service) -> Reply:
    """`GET /audit/checkpoint`: the latest signed checkpoint of a partition, or one of a size."""
    query = Query(request, ("partition", "size"))
    partition = _partition(query.text("partition"), service)
    size = None
    if query.text("size") is not None:
        size = _number(query, "size", least=0, most=await _latest(service, partition))
    return _text(await _note(service, partition, size))


async def get_key(request: Request, service: Service) -> Reply:
    """`GET /audit/checkpoint/key`: the key that signs them; with `former`, all that ever did."""
    query = Query(request, ("partition", "former"))
    partition = _partition(query.text("partition"), service)
    keys = await signing.vkeys(service.pool, partition)
    if not keys:
        raise NothingSigned("There is no key yet: the first checkpoint makes one")
    shown = keys if query.flag("former") else keys[:1]
    return _text("".join(f"{key}\n" for key in shown))


async def get_inclusion(request: Request, service: Service) -> Reply:
    """`GET /audit/proof/inclusion`: that an event is in the tree of a checkpoint."""
    found, _ = await _inclusion(request, service)
    told = {
        "leafIndex": found.leaf_index,
        "treeSize": found.tree_size,
        "leafHash": _base64(found.leaf_hash),
        "hashes": list(map(_base64, found.hashes)),
    }
    return Reply(200, _ENCODER.encode(told))


async def get_proof_file(request: Request, service: Service) -> Reply:
    """`GET /audit/proof/inclusion.tlog-proof`: the same as a file that needs nothing else."""
    found, partition = await _inclusion(request, service)
    note = await _note(service, partition, found.tree_size)
    return _text(proving.proof_file(found, note))


async def get_consistency(request: Request, service: Service) -> Reply:
    """`GET /audit/proof/consistency`: that a tree goes on from an older one."""
    query = Query(request, ("partition", "from", "to"))
    partition = _partition(query.text("partition"), service)
    latest = await _latest(service, partition)
    new = _number(query, "to", least=0, most=latest, usual=latest)
    old = _number(query, "from", least=0, most=new)
    hashes = await tree.consistency(service.pool, partition, old, new)
    told = {"from": old, "to": new, "hashes": list(map(_base64, hashes))}
    return Reply(200, _ENCODER.encode(told))


async def get_tile(request: Request, service: Service) -> Reply:
    """`GET /audit/tiles/{partition}/tile/{level}/{index}`: a whole row of hashes, or its start."""
    partition = _partition(request.path["partition"], service)
    path = "/".join(request.path[name] for name in _PARTS if name in request.path)
    found, level = _INDEX.fullmatch(path), request.path["level"]
    if found is None or not _LEVEL.fullmatch(level):
        raise NotFound("Tile", f"{level[:9]}/{path[:60]}")
    index = int("".join(re.findall("[0-9]{3}", found[1])) + found[2])
    width = TILE if found[3] is None else int(found[3])
    is_known = found[3] is None or width < TILE
    row = await tree.tile(service.pool, partition, int(level), index)
    if not is_known or len(row) < width * HASH_BYTES:
        raise NotFound("Tile", f"{level}/{path[:60]}")
    return Reply(200, row[: width * HASH_BYTES], content_type=_BYTES)


async def get_tiles_checkpoint(request: Request, service: Service) -> Reply:
    """`GET /audit/tiles/{partition}/checkpoint`: the latest one, where mirrors look for it."""
    return _text(await _note(service, _partition(request.path["partition"], service), None))


async def _inclusion(request: Request, service: Service) -> tuple[Inclusion, int]:
    query = Query(request, ("position", "size"))
    partition, position = _position(query, service)
    head = {each.partition: each.position for each in await heads(service.pool)}[partition]
    if position > head:
        raise BadInput(
            f"There is no event at {partition}:{position} yet: the last one is {partition}:{head}",
            field="position",
        )
    latest = await _latest(service, partition)
    if position > latest:
        raise NothingSigned(
            f"No signed checkpoint covers {partition}:{position} yet: the latest goes up to "
            f"{partition}:{latest}"
        )
    size = _number(query, "size", least=position, most=latest, usual=latest)
    return await proving.inclusion(service.pool, partition, position, size), partition


async def _note(service: Service, partition: int, size: int | None) -> str:
    return await proving.checkpoint(
        service.pool, service.log.keyring, partition, size,
        with_ml_dsa=service.settings.checkpoint_ml_dsa,
    )  # fmt: skip


async def _latest(service: Service, partition: int) -> int:
    return await proving.latest_size(service.pool, partition)


def _partition(text: str | None, service: Service) -> int:
    last = service.log.partitions - 1
    if not _PARTITION.fullmatch(text or "0") or int(text or "0") > last:
        raise BadInput(f"partition takes a number from 0 to {last}", field="partition")
    return int(text or "0")


def _position(query: Query, service: Service) -> tuple[int, int]:
    found = _POSITION.fullmatch(query.text("position") or "")
    last = service.log.partitions - 1
    if found is None or int(found[1]) > last or int(found[2]) == 0:
        raise BadInput(
            f"position takes one such as 0:17, in a partition from 0 to {last}", field="position"
        )
    return int(found[1]), int(found[2])


def _number(query: Query, name: str, *, least: int, most: int, usual: int | None = None) -> int:
    text = query.text(name)
    if text is None and usual is not None:
        return usual
    if text is None or not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
        raise BadInput(
            f"{name} takes a size from {least} to {most}, that of the latest checkpoint"
            if name != "from"
            else f"from takes a size from {least} to {most}, that of `to`",
            field=name,
        )
    return int(text)


def _text(text: str) -> Reply:
    return Reply(200, text.encode(), content_type=_TEXT)


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
