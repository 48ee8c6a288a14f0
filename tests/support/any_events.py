"""Any events, for tests of what holds for all of them."""

from datetime import UTC
from enum import Enum

from hypothesis import strategies as st
from msgspec import Struct, inspect

from domain.stored import EVENTS

MARK = "pers0nal"
"""Begins each personal text."""
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@st.composite
def structs(
    draw: st.DrawFn,
    struct: type[Struct],
    marked: frozenset[str] | None,
    texts: st.SearchStrategy[str] = TEXT,
) -> Struct:
    """Some Struct with few members; texts of `marked` fields, or of all if None, hold MARK."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    optional = [field.name for field in info.fields if not field.required]
    chosen = draw(st.sets(st.sampled_from(optional), max_size=4)) if optional else set()
    return struct(
        **{
            field.name: draw(values(field.type, marked is None or field.name in marked, texts))
            for field in info.fields
            if field.required or field.name in chosen
        }
    )


def values(
    kind: inspect.Type, marked: bool, texts: st.SearchStrategy[str]
) -> st.SearchStrategy[object]:
    """Values of a field; its texts come from `texts`."""
    match kind:
        case inspect.UnionType(types=types):
            return st.one_of([values(each, marked, texts) for each in types])
        case inspect.NoneType():
            return st.none()
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType():
            return st.integers(-(2**31), 2**31 - 1)
        case inspect.FloatType():
            return st.floats(allow_nan=False, allow_infinity=False)
        case inspect.StrType():
            return texts.map(lambda text: MARK + text) if marked else texts
        case inspect.DateTimeType():
            return st.datetimes(timezones=st.just(UTC))
        case inspect.LiteralType(values=choices):
            return st.sampled_from(choices)
        case inspect.EnumType(cls=choices) if issubclass(choices, Enum):
            return st.sampled_from(choices)
        case inspect.VarTupleType(item_type=item):
            return st.lists(values(item, marked, texts), max_size=2).map(tuple)
        case inspect.DictType(key_type=key, value_type=value):
            return st.dictionaries(
                values(key, marked, texts), values(value, marked, texts), max_size=2
            )
        case inspect.StructType(cls=struct):
            return structs(struct, None if marked else frozenset(), texts)
        case _:
            raise NotImplementedError(kind)


EVENT = st.sampled_from(list(EVENTS.values())).flatmap(lambda event: structs(event, event.personal))
"""Any event."""
