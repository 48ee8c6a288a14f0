"""Where the SuperOffice-style face describes itself. The OpenAPI description is elsewhere."""

from app.codecs.formats import XML
from app.faces.superoffice.lists.rows import METADATA_PATH
from app.faces.superoffice.wire import about
from app.http.request import Exchange, Reply
from app.http.route_handler import Operation


async def operations(exchange: Exchange) -> Reply:
    """`GET /api/v1`."""
    return Reply(200, about.write_operations(exchange.base_url))


async def metadata(_: Exchange) -> Reply:
    """`GET` of what lists call `odata.metadata`: XML, whatever is accepted."""
    return Reply(200, about.write_metadata(), content_type=XML.content_type)


OPERATIONS = {
    f"/api/{about.VERSION}": Operation("Operations", operations),
    METADATA_PATH: Operation("Metadata", metadata),
}
"""By path; all are asked for by GET."""
