"""The self-description of the SuperOffice-style face, without OpenAPI, which is elsewhere."""

from app.codecs.formats import XML
from app.faces.superoffice import pages
from app.faces.superoffice.wire import about
from app.faces.superoffice.wire.api import METADATA_PATH
from app.http.operation import Operation
from app.http.request import Reply, Request
from app.service import Service


async def operations(request: Request, _: Service) -> Reply:
    """`GET /api/v1`."""
    body = about.write_operations(request.base_url)
    return pages.operations_page(request, body) if pages.is_wanted(request) else Reply(200, body)


async def metadata(_: Request, __: Service) -> Reply:
    """`GET` of the URL in `odata.metadata` of lists: XML, whatever Accept says."""
    return Reply(200, about.write_metadata(), content_type=XML.content_type)


OPERATIONS = {
    f"/api/{about.VERSION}": Operation(name="Operations", handler=operations, is_safe=True),
    METADATA_PATH: Operation(name="Metadata", handler=metadata, is_safe=True),
}
"""Operations by path; all use GET."""
