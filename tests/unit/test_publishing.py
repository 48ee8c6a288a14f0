"""Second places of checkpoints: what is there is whole, and nothing there is lost."""

import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest
from support.signed_log import SignedLog

from app.proof.notes import parse_notes
from app.proof.publishing import NotKept, published, second_place

LOG = SignedLog([str(number) for number in range(9)])
FORK = SignedLog([f"-{number}" for number in range(9)])
NAME = f"7-{LOG.root(7)[:8].hex()}"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """For places that are no URL."""
    async with httpx.AsyncClient() as made:
        yield made


async def test_a_file_holds_all_in_order_as_the_verifier_takes_them(
    tmp_path: Path, client: httpx.AsyncClient
) -> None:
    place = second_place(str(tmp_path / "kept"))
    for size in (3, 7, 7, 9):
        await place.keep(published(str(LOG.note(size))), client)
    kept = (tmp_path / "kept").read_bytes()
    assert parse_notes(kept) == [LOG.note(size) for size in (3, 7, 9)]


@pytest.mark.parametrize("before", [(), (3,), (3, 5)])
@pytest.mark.parametrize("left", [1, 13, 14, 20, 66, -20, -1])
async def test_what_a_killed_process_left_in_a_file_goes(
    tmp_path: Path, client: httpx.AsyncClient, left: int, before: Sequence[int]
) -> None:
    file, whole = tmp_path / "kept", "".join(str(LOG.note(size)) for size in before)
    file.write_text(whole + str(LOG.note(7))[:left])
    await second_place(str(file)).keep(published(str(LOG.note(9))), client)
    assert file.read_text() == f"{whole}{LOG.note(9)}"


@pytest.mark.parametrize("text", ["mine", "mine\n", f"{LOG.note(3)}mine"])
async def test_a_file_of_something_else_stays_as_it_is(
    tmp_path: Path, client: httpx.AsyncClient, text: str
) -> None:
    (tmp_path / "kept").write_text(text)
    with pytest.raises(NotKept, match="something else"):
        await second_place(str(tmp_path / "kept")).keep(published(str(LOG.note(9))), client)
    assert (tmp_path / "kept").read_text() == text


async def test_a_full_disk_leaves_no_part_of_a_note(
    tmp_path: Path, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "kept"
    place = second_place(str(file))
    await place.keep(published(str(LOG.note(3))), client)
    write = os.write

    def full(handle: int, content: bytes) -> int:
        if len(content) < 20:
            raise OSError(28, "No space left on device")
        return write(handle, content[: len(content) // 2])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(NotKept, match="No space left"):
        await place.keep(published(str(LOG.note(7))), client)
    monkeypatch.undo()
    assert file.read_text() == str(LOG.note(3))


async def test_a_folder_holds_a_file_each_and_two_trees_of_one_size(
    tmp_path: Path, client: httpx.AsyncClient
) -> None:
    place = second_place(f"{tmp_path}/new/")
    later = LOG.note(7)
    later = later._replace(signatures=later.signatures * 2)
    for note in (LOG.note(7), later, FORK.note(7)):
        await place.keep(published(str(note)), client)
    folder = tmp_path / "new" / "log.example%2F0"
    names = {path.name: path.read_text() for path in folder.iterdir()}
    assert names == {NAME: str(later), f"7-{FORK.root(7)[:8].hex()}": str(FORK.note(7))}


async def test_a_place_that_cannot_be_written_says_so(
    tmp_path: Path, client: httpx.AsyncClient
) -> None:
    (tmp_path / "file").write_text("")
    for text in (f"{tmp_path}/none/kept", f"{tmp_path}/file/kept", f"{tmp_path}/file/"):
        with pytest.raises(NotKept):
            await second_place(text).keep(published(str(LOG.note(7))), client)


async def test_urls_get_it_by_put_below_them_or_by_post() -> None:
    seen: list[tuple[str, str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.method, str(request.url), request.content.decode()))
        return httpx.Response(500 if "bad" in request.url.path else 201)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        note = str(LOG.note(7))
        await second_place("http://a.example/x/").keep(published(note), client)
        await second_place("http://a.example/x?key=1").keep(published(note), client)
        with pytest.raises(NotKept, match="500"):
            await second_place("http://a.example/bad/").keep(published(note), client)
    assert seen[:2] == [
        ("PUT", f"http://a.example/x/log.example/0/{NAME}", note),
        ("POST", "http://a.example/x?key=1", note),
    ]


@pytest.mark.parametrize(
    "text",
    ["", " ", "ftp://a.example/", "http://", "http:///x", "https://a/#b", "http://a/?b", "a\nb"],
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        second_place(text)


def test_the_name_of_a_place_has_no_secret() -> None:
    place = second_place("https://kim:secret@a.example:8443/x?token=secret")
    assert place.name == "https://a.example:8443/x"
