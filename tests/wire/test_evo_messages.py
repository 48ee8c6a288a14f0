import pytest

from app.codecs.formats import CSV, FORMATS, JSON_LINES, Format
from app.faces.evo.wire import messages
from app.faces.evo.wire.dto import AuthTokenInfo, ListResponse

KIND = ListResponse[AuthTokenInfo]


def page(*tokens: str) -> ListResponse[AuthTokenInfo]:
    items = [AuthTokenInfo(auth_token=token) for token in tokens]
    return ListResponse(items=items, total_count=len(items), has_more_pages=False)


def test_a_page_has_a_row_for_each_item() -> None:
    assert messages.write(CSV, page("a", "b"), KIND) == b"AuthToken\r\na\r\nb\r\n"


def test_several_pages_have_a_row_each() -> None:
    written = messages.write(CSV, [page("a", "b"), page()], KIND)
    assert written == (
        b"Items,TotalCount,HasMorePages\r\n"
        b'"[{authToken:a},{authToken:b}]",2,False\r\n'
        b'"[]",0,False\r\n'
    )


def test_lines_hold_the_items_of_a_page_and_the_pages_of_a_batch() -> None:
    assert messages.write(JSON_LINES, page("a", "b"), KIND).count(b"\n") == 2
    assert messages.write(JSON_LINES, [page("a", "b"), page()], KIND).count(b'"items"') == 2


@pytest.mark.parametrize("format_", FORMATS.values(), ids=FORMATS)
def test_only_csv_is_a_file(format_: Format) -> None:
    headers = dict(messages.headers(format_, "ListAccounts"))
    expected = b'attachment;filename="ListAccounts.csv"' if format_ is CSV else None
    assert headers.get(b"content-disposition") == expected
