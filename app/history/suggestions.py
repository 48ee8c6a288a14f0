"""What to say of a name that is unknown: which ones there are."""

from collections.abc import Iterable
from difflib import get_close_matches

_MAX_CLOSE = 5


def others(text: str, names: Iterable[str]) -> str:
    """The names that a person may have meant, or else all, to end a sentence with."""
    by_lower_case = {name.lower(): name for name in names}
    close = get_close_matches(text.lower(), by_lower_case, n=_MAX_CLOSE)
    if close:
        return f", but {', '.join(by_lower_case[each] for each in close)}"
    return f"; there are {', '.join(sorted(by_lower_case.values()))}"
