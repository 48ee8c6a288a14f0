"""Carries operations out: those that only read, by a standby if there is one."""

from app.history.followed import NotYet
from app.http import conditions
from app.http.operation import Operation
from app.http.request import Reply, Request
from app.log.standby_reading import reading
from app.service import Service


async def carried_out(operation: Operation, request: Request, service: Service) -> Reply:
    """The reply of an operation. Who calls was found by the primary, as always.

    Raises what its handler raises.
    """
    standby = service.standby
    if standby is None or not operation.reads(request):
        return await operation.handler(request, service)
    seen = conditions.seen(request.headers.get(b"x-log-position"))
    async with reading(standby, seen) as reads:
        try:
            return await operation.handler(request, service.reading(reads.instead_of))
        except Exception as error:
            # What a standby lacks that is a little older may be what was asked for.
            if not (reads.is_older or isinstance(error, NotYet)):
                raise
    return await operation.handler(request, service)
