"""Filters: the text of `where`, read, written, and checked against the values that occur."""

from __future__ import annotations

import re
from collections.abc import Sequence

from staycurve.errors import UsageError
from staycurve.metrics.context import CONTAINS, EQUALS, Filter
from staycurve.metrics.dimensions import dim_of, dim_text

HINT = "Write: --where 'industry=EdTech,country=US', and quote a value with , or |: plan=\"a, b\""

# A name that holds a sign with a meaning stands in quotes, after property: or user:.
_NAME = r'(?:\s*(?:property:|user:)?"(?:[^"]|"")*"\s*?|[^=<>~,]*?)'
_DIM = re.compile(rf"({_NAME})(!?)(<=|>=|=|<|>|~)")
# The same in words; a name may hold blanks, so the words stand before the value's end.
_WORDS = re.compile(rf"({_NAME})\s+(is not set|is set|does not contain|contains)(?=\s|,|$)")
_SAID = {
    "is set": (True, EQUALS), "is not set": (False, EQUALS), "contains": (False, CONTAINS),
    "does not contain": (True, CONTAINS),
}
# A quote in the middle of a value is part of it; within quotes, two of them are one.
_QUOTED = re.compile(r'\s*"((?:[^"]|"")*)"\s*(?=[,|]|$)')
_BARE = re.compile(r"[^,|]*")
_NEEDS_QUOTES = re.compile(r'[,|\[\]]|^\s|\s$|^"|^$')


def parse_filters(text: str) -> tuple[Filter, ...]:
    """The filters in 'industry=EdTech|FinTech,country!=US,plan="Pro, annual",employees>=50'.

    Nothing after = means empty. A value is quoted where it holds , or |; a quote in it is doubled.
    ~ looks for a part of the value, in any case; !~ leaves out what has it. 'owner is set' is
    'owner!=', 'owner is not set' is 'owner=', 'name contains lab' is 'name~lab'. A name that holds
    one of these signs is quoted too: property:"a=b"=1.

    Raises
    ------
    UsageError
        If a part is no filter, or a quote is not closed.
    """
    filters: list[Filter] = []
    place = 0
    while place < len(text):
        if text[place] in ", \t\n":
            place += 1
            continue
        said = _WORDS.match(text, place)
        named = None if said else _DIM.match(text, place)
        if said:
            dim, (is_negated, test) = dim_of(said[1]), _SAID[said[2]]
            place = said.end()
        else:
            dim = dim_of(named[1]) if named else ""
            if not named or not dim.strip("! "):
                part = text[place:].partition(",")[0].strip()
                raise UsageError(f"'{part}' is not a filter.", hint=HINT)
            is_negated, test = bool(named[2]), named[3]
            place = named.end()
        if said and test == EQUALS:
            filters.append(Filter(dim, (None,), is_negated))
            continue
        place -= 1
        values: list[str | None] = []
        while place < len(text) and text[place] != "," and (not values or text[place] == "|"):
            value, place = _value(text, place + 1)
            values.append(value)
        if test != EQUALS and ((is_negated and test != CONTAINS) or None in values):
            what = f"{dim}{'!' if is_negated else ''}{test}"
            raise UsageError(f"'{what}' compares with nothing.", hint=f"Write: {dim}{test}10")
        filters.append(Filter(dim, tuple(values), is_negated, test))
    return tuple(filters)


def _value(text: str, place: int) -> tuple[str | None, int]:
    """The value that begins at a place, and the place after it."""
    quoted = _QUOTED.match(text, place)
    if quoted:
        return quoted[1].replace('""', '"'), quoted.end()
    bare = _BARE.match(text, place)
    assert bare is not None
    value = bare[0].strip()
    if value.startswith('"'):
        raise UsageError(f"The quote before {value[1:21]!r} is not closed.", hint=HINT)
    return value or None, bare.end()


def filters_of(where: str | Sequence[Filter]) -> tuple[Filter, ...]:
    """The filters in 'industry=EdTech', or as they are given one by one."""
    return parse_filters(where) if isinstance(where, str) else tuple(where)


def value_text(value: str | None) -> str:
    """A value as `where` writes it."""
    if value is None:
        return ""
    doubled = value.replace('"', '""')
    return f'"{doubled}"' if _NEEDS_QUOTES.search(value) else value


def where_text(filters: Sequence[Filter]) -> str:
    """Filters as `where` writes them: `parse_filters` reads the same from it."""
    return ",".join(
        f"{dim_text(f.dim)}{f.sign}{'|'.join(value_text(v) for v in f.values)}"
        for f in filters
    )
