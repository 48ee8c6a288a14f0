from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from app.log.keyring import Keyring
from domain.ids import StreamId
from projections.catalog import CURRENT, VIEWS
from projections.view import View

STREAM = StreamId(UUID(int=7))
seal = Keyring(b"m" * 32).seal_in_view


class Thing(Struct, omit_defaults=True):
    size: int = 0


def view(**search: int) -> View:
    return View(
        projection="things",
        kind="thing",
        state=Thing,
        evolve=lambda state, _: state,
        gone=lambda thing: thing.size < 0,
        session_id=lambda stream, _: str(stream),
        search=lambda _: search,
    )


def test_a_document_is_the_state() -> None:
    assert view().doc(STREAM, Thing(size=7), seal) == '{"size":7}'


def test_what_is_searched_for_stands_beside_it() -> None:
    assert view(ticks=3).doc(STREAM, Thing(size=7), seal) == '{"size":7}'
    assert view(ticks=3).sought(Thing(size=7)) == '{"ticks":3}'
    assert view().sought(Thing(size=7)) is None


def test_what_is_gone_has_no_document_and_is_not_searched_for() -> None:
    assert view(ticks=3).doc(STREAM, Thing(size=-1), seal) is None
    assert view(ticks=3).sought(Thing(size=-1)) is None


def test_what_is_shown_of_a_state_may_be_less_than_all() -> None:
    made = replace(view(), shown=lambda thing: {"is_large": thing.size > 5})
    assert made.doc(STREAM, Thing(size=7), seal) == '{"is_large":true}'


def test_all_views_of_a_kind_are_folded_alike() -> None:
    assert all(each.evolve is CURRENT[each.kind].evolve for each in VIEWS)
    assert len({each.name for each in VIEWS}) == len(VIEWS)
