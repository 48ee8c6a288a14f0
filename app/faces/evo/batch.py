"""Batches: several requests of one kind in one call, in order; `?atomic=true` means all or none.

A batch stops at the first refused item. Unless the batch is atomic, the items before it stay done.
Each command has its own idempotency key: the key of the call with the number of the item.
"""

from collections.abc import Sequence

from app.codecs.dto import Dto
from app.codecs.formats import JSON
from app.codecs.json_text import BadInput
from app.commands.errors import BatchRefused
from app.faces.evo.operations import Asked, Read, Result, Write, carry_out_one
from app.faces.evo.wire import messages
from app.faces.evo.wire.dto import ListResponse
from app.http.errors import BatchFailed
from app.http.request import Headers, position_headers


async def carry_out(
    handler: Write | Read, requests: Sequence[Dto], asked: Asked, *, atomic: bool
) -> tuple[list[Dto], Headers]:
    """The answers in the order of the requests, and headers. Raises BatchFailed, or BadInput."""
    for name in ("If-Match", "If-None-Match"):
        if name.lower().encode() in asked.http.headers:
            raise BadInput(f"{name} names one session: a batch does not take it", field=name)
    if atomic and isinstance(handler, Write):
        results = await _together(handler, requests, asked)
    else:
        results = await _one_by_one(handler, requests, asked)
    values = [result.value for result in results if result.value is not None]
    completed = (b"x-autobatch-completed", b"%d" % len(results))
    last = [header for header in results[-1].headers if header[0] != b"etag"] if results else []
    return values, (*last, completed)


async def _one_by_one(handler: Write | Read, requests: Sequence[Dto], asked: Asked) -> list[Result]:
    results: list[Result] = []
    for index, request in enumerate(requests):
        try:
            asked.budget.spend(0)  # a command is not carried out if its answer would not fit
            result = await carry_out_one(handler, request, asked, index)
            _count(result, asked)
            results.append(result)
        except Exception as error:
            raise BatchFailed(error, index, completed=index) from error
    return results


def _count(result: Result, asked: Asked) -> None:
    """Count an answer; pages of lists were counted when they were read."""
    if result.value is not None and not isinstance(result.value, ListResponse):
        asked.budget.left -= len(messages.write(JSON, result.value))


async def _together(handler: Write, requests: Sequence[Dto], asked: Asked) -> list[Result]:
    commands = []
    for index, request in enumerate(requests):
        try:
            call = asked.http.call(index)
            commands.append(await handler.prepare(asked.service, request, call))
        except Exception as error:
            raise BatchFailed(error, index, completed=0) from error
    try:
        answers = await asked.service.commands.handle_all(commands)
    except BatchRefused as error:
        raise BatchFailed(error.cause, error.index, completed=0) from error
    return [Result(handler.show(answer), position_headers(answer)) for answer in answers]
