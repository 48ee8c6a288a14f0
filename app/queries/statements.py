"""SQL compiled once for each shape: statements that differ only in their values share one text."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import BindParameter, ColumnElement, Select
from sqlalchemy.engine import make_url
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseList

_DIALECT = make_url("postgresql+asyncpg://").get_dialect()()


class _Compiled(Struct, frozen=True):
    sql: str
    sources: Sequence[int | str]
    """For each argument: its number among the values in the parts, or its name in `named`."""


class Statements:
    """A cache of the recently used compiled statements, without their values.

    SQLAlchemy's own cache does the same, but only below its engine and its connections.
    """

    def __init__(self, most: int, most_characters: int) -> None:
        """Keep the statements of `most` shapes; drop the least recently used first.

        `most_characters`: of a statement's text. A longer one is not kept: its cache key takes
        eight times as many bytes.
        """
        self._most = most
        self._most_characters = most_characters
        self._known: OrderedDict[Hashable, _Compiled] = OrderedDict()

    def __len__(self) -> int:
        """The number of statements in the cache."""
        return len(self._known)

    def compiled(
        self,
        make: Callable[[], Select[Any]],
        shape: Hashable,
        parts: Sequence[ColumnElement[Any]],
        named: Mapping[str, object],
    ) -> tuple[str, list[object]]:
        """The text of a statement, and its arguments in order.

        `make` builds it from `parts`, whose values are read anew each time, and from parameters
        with names in `named`. `shape` is everything else that its text depends on. If values
        affect the text, as in `column.in_(values)`, the statement is compiled each time.
        """
        # One list of all parts, as it matters whether two share a parameter. The method is
        # SQLAlchemy's own key for its cache, and has no public name.
        key = ClauseList(*parts, group=False)._generate_cache_key()
        place, values = (shape, key.key if key else None), key.bindparams if key else ()
        known = self._used(place)
        if known is None:
            built = make().compile(dialect=_DIALECT)
            if not key or built.post_compile_params or built.literal_execute_params:
                whole = built.construct_expanded_state(dict(named))
                return whole.statement, list(whole.positional_parameters)
            known = _compiled(built, values)
            self._remember(place, known)
        return known.sql, [
            named[source] if isinstance(source, str) else values[source].effective_value
            for source in known.sources
        ]

    def _used(self, key: Hashable) -> _Compiled | None:
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
        return known

    def _remember(self, key: Hashable, compiled: _Compiled) -> None:
        if len(compiled.sql) <= self._most_characters:
            self._known[key] = compiled
            if len(self._known) > self._most:
                self._known.popitem(last=False)


def _compiled(built: SQLCompiler, values: Sequence[BindParameter[Any]]) -> _Compiled:
    numbers = {built.bind_names.get(each): number for number, each in enumerate(values)}
    # A parameter outside of the parts has its own name.
    return _Compiled(str(built), [numbers.get(name, name) for name in built.positiontup or ()])
