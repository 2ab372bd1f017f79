"""Mapping: how the columns and values of somebody's file become ours, written in TOML."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterable, Mapping as Dict
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from staycurve.errors import LoadError, UnknownNameError
from staycurve.sources.options import ReadOptions
from staycurve.tables.conformed import CONFORMED


@dataclass(frozen=True)
class Lookup:
    """A column found through another table that is already loaded.

    Attributes
    ----------
    table : str
        The conformed table to look in.
    by : str
        The column of it that says which row.
    column : str
        The file's column that holds the same; `by` unless stated.
    """

    table: str
    by: str
    column: str


@dataclass(frozen=True)
class When:
    """A column that counts in some rows alone: those where the file's `column` is one of `values`.

    Attributes
    ----------
    column : str
        The file's column.
    values : tuple of str
        Lower case.
    """

    column: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Recognise:
    """By which headers a file is known without being named.

    Attributes
    ----------
    all, any, none : tuple of str
        Headers of which every one is there, at least one is (where any is named), and none is.
    """

    all: tuple[str, ...] = ()
    any: tuple[str, ...] = ()
    none: tuple[str, ...] = ()

    def fits(self, headers: Iterable[str]) -> bool:
        """Whether a file with these headers is meant; case and blanks around them do not count."""
        known = {_folded(header) for header in headers}
        return (
            bool(self.all)
            and known.issuperset(map(_folded, self.all))
            and (not self.any or not known.isdisjoint(map(_folded, self.any)))
            and known.isdisjoint(map(_folded, self.none))
        )


def _folded(header: str) -> str:
    return header.strip().casefold()


@dataclass(frozen=True)
class Feed:
    """How the rows of a file feed one table.

    Attributes
    ----------
    table : str, optional
        Taken from the file's name unless stated.
    columns : mapping
        Their column → ours, several of ours, or none when it is to be left out.
    values : mapping
        Our column → their value, lower case → ours; an empty one means no value.
    defaults : mapping
        Our column → what is taken where the row has no value.
    lookups : mapping
        Our column → where it is found.
    key_from : tuple of str
        Their columns that the key is a hash of.
    only_if : str, optional
        Their column that must not be empty, else the row does not feed the table.
    when : mapping
        Our column → the rows in which it counts; in others it has no value.
    """

    table: str | None = None
    columns: Dict[str, tuple[str, ...]] = field(default_factory=dict)
    values: Dict[str, Dict[str, str]] = field(default_factory=dict)
    defaults: Dict[str, str] = field(default_factory=dict)
    lookups: Dict[str, Lookup] = field(default_factory=dict)
    key_from: tuple[str, ...] = ()
    only_if: str | None = None
    when: Dict[str, When] = field(default_factory=dict)

    @property
    def mentioned(self) -> set[str]:
        """Every column of theirs that it speaks of."""
        looked_up = {lookup.column for lookup in self.lookups.values()}
        asked = {when.column for when in self.when.values()}
        named = {*self.columns, *self.key_from, *looked_up, *asked}
        return named | ({self.only_if} if self.only_if else set())

    def within(self, headers: Iterable[str], needed: Iterable[str] = ()) -> Feed:
        """The feed without the columns that a file of these headers lacks.

        Parameters
        ----------
        needed : iterable of str
            Columns that stay although the file lacks them, so that their lack is an error.
        """
        there = {_folded(header) for header in (*headers, *needed)}

        def has(column: str) -> bool:
            return _folded(column) in there

        # What counts in some rows alone counts in none where nothing says which.
        unknown = {ours for ours, one in self.when.items() if not has(one.column)}
        columns = {
            theirs: tuple(name for name in ours if name not in unknown)
            for theirs, ours in self.columns.items() if has(theirs)
        }
        lookups = {ours: one for ours, one in self.lookups.items() if has(one.column)}
        fed = {name for ours in columns.values() for name in ours} | set(lookups)
        # A column of ours may also be fed by a header that is ours already.
        fed |= {_folded(header) for header in headers}
        return replace(
            self, columns=columns, lookups=lookups,
            values={ours: pairs for ours, pairs in self.values.items() if ours in fed},
            when={
                ours: one for ours, one in self.when.items()
                if ours in fed and ours not in unknown
            },
            key_from=tuple(column for column in self.key_from if has(column)),
        )


@dataclass(frozen=True)
class Mapping:
    """A mapping file: what feeds the file's own table, and what else the same rows feed."""

    main: Feed = field(default_factory=Feed)
    also: tuple[Feed, ...] = ()
    options: ReadOptions = field(default_factory=ReadOptions)
    name: str = "the mapping"
    recognise: Recognise | None = None

    def feed_for(self, feed: Feed, headers: Iterable[str]) -> Feed:
        """The feed as it is for a file of these headers.

        Tools leave columns out where they are not asked for: of a mapping that knows its file by
        some headers, the others may be missing.
        """
        known = self.recognise
        return feed if known is None else feed.within(headers, known.all)


def read_mapping(path: Path) -> Mapping:
    """The mapping that the TOML file at `path` states."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise LoadError(
            f"{path} cannot be read: {error.strerror or error}.", hint="Check the path of --map."
        ) from None
    except UnicodeDecodeError:
        raise LoadError(f"{path} is not UTF-8.", hint="Save it as UTF-8.") from None
    return parse_mapping(text, path.name)


def parse_mapping(text: str, name: str = "the mapping") -> Mapping:
    """The mapping that `text` states; `name` is what errors call it.

    Raises
    ------
    LoadError, UnknownNameError
        If it is not TOML, or holds a key, table or column that is not known.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LoadError(f"{name} is not valid TOML: {error}.", hint="Fix that line.") from None
    return mapping_of(raw, name)


def mapping_of(raw: Dict[str, Any], name: str = "the mapping") -> Mapping:
    """The mapping that a TOML document states; errors as for `parse_mapping`."""
    raw = dict(raw)
    for told in ("about", "export"):
        # What a ready mapping says of itself; see `staycurve.sources.exports`.
        raw.pop(told, None)
    recognise = _recognise(name, raw.pop("recognise", None))
    options = _table(name, "options", raw.pop("options", {}))
    also = raw.pop("also", [])
    if not isinstance(also, list):
        raise LoadError(f"{name}: [also] is a list.", hint="Write [[also]], in double brackets.")
    known = {option.name for option in fields(ReadOptions)}
    _only(name, "[options]", options, known)
    main = _feed(name, "", raw)
    feeds = tuple(_feed(name, "[[also]] ", _table(name, "also", feed)) for feed in also)
    for feed in feeds:
        if feed.table is None:
            raise LoadError(
                f"{name}: [[also]] does not say which table it feeds.",
                hint='Write table = "answers" below [[also]].',
            )
    return Mapping(main, feeds, _options(name, options), name, recognise)


def _recognise(name: str, raw: Any) -> Recognise | None:
    if raw is None:
        return None
    given = _table(name, "recognise", raw)
    _only(name, "[recognise]", given, ("all", "any", "none"))
    return Recognise(
        **{key: _texts(name, f"[recognise] {key}", value) for key, value in given.items()}
    )


def _options(name: str, given: Dict[str, Any]) -> ReadOptions:
    texts = {key: _text(value) for key, value in given.items() if key != "empty"}
    empty = _texts(name, "[options] empty", given["empty"]) if "empty" in given else None
    return ReadOptions(**texts, empty=empty)


_SECTIONS = ("table", "columns", "values", "defaults", "lookup", "key", "only_if", "when")


def _feed(name: str, where: str, raw: Dict[str, Any]) -> Feed:
    known = _SECTIONS if where else (*_SECTIONS, "also", "options", "recognise")
    _only(name, where.strip(), raw, known)
    table = raw.get("table")
    if table is not None and table not in CONFORMED:
        error = UnknownNameError("table", str(table), CONFORMED)
        raise LoadError(f"{name}: {where}{error.message}", hint=error.hint)
    columns = {
        theirs: _ours(name, where, theirs, ours)
        for theirs, ours in _table(name, f"{where}columns", raw.get("columns", {})).items()
    }
    values = {
        column: {
            theirs.strip().lower(): _text(ours)
            for theirs, ours in _table(name, f"{where}values.{column}", pairs).items()
        }
        for column, pairs in _table(name, f"{where}values", raw.get("values", {})).items()
    }
    defaults = {
        column: _text(value)
        for column, value in _table(name, f"{where}defaults", raw.get("defaults", {})).items()
    }
    key = _table(name, f"{where}key", raw.get("key", {}))
    _only(name, f"{where}[key]", key, ("from",))
    only_if = raw.get("only_if")
    return Feed(
        table=table,
        columns=columns,
        values=values,
        defaults=defaults,
        lookups={
            column: _lookup(name, f"{where}[lookup.{column}]", column, pairs)
            for column, pairs in _table(name, f"{where}lookup", raw.get("lookup", {})).items()
        },
        key_from=_texts(name, f"{where}[key] from", key.get("from", [])),
        only_if=None if only_if is None else str(only_if),
        when={
            column: _when(name, f"{where}[when.{column}]", pairs)
            for column, pairs in _table(name, f"{where}when", raw.get("when", {})).items()
        },
    )


def _when(name: str, where: str, pairs: Any) -> When:
    given = _table(name, where, pairs)
    _only(name, where, given, ("column", "is"))
    for needed in ("column", "is"):
        if needed not in given:
            raise LoadError(
                f"{name}: {where} lacks '{needed}'.",
                hint='Write column = "Status" and is = ["Paid"].',
            )
    values = _texts(name, f"{where} is", given["is"])
    return When(str(given["column"]), tuple(value.strip().lower() for value in values))


def _lookup(name: str, where: str, column: str, pairs: Any) -> Lookup:
    given = _table(name, where, pairs)
    _only(name, where, given, ("from", "by", "column"))
    for needed in ("from", "by"):
        if needed not in given:
            raise LoadError(
                f"{name}: {where} lacks '{needed}'.",
                hint='Write from = "subscriptions" and by = "subscription_id".',
            )
    table, by = str(given["from"]), str(given["by"])
    if table not in CONFORMED:
        error = UnknownNameError("table", table, CONFORMED)
        raise LoadError(f"{name}: {where} {error.message}", hint=error.hint)
    stored = [kept.name for kept in CONFORMED[table].columns if kept.kind == "text"]
    for needed in (by, column):
        if needed not in stored:
            error = UnknownNameError(f"column of {table}", needed, stored)
            raise LoadError(f"{name}: {where} {error.message}", hint=error.hint)
    return Lookup(table, by, str(given.get("column", by)))


def _ours(name: str, where: str, theirs: str, ours: Any) -> tuple[str, ...]:
    if isinstance(ours, str):
        return (ours,) if ours else ()
    return _texts(name, f"{where}[columns] {theirs}", ours)


def _texts(name: str, where: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise LoadError(f"{name}: {where} is a list of texts.", hint='Write ["…", "…"].')
    return tuple(value)


def _table(name: str, where: str, value: Any) -> Dict[str, Any]:
    if not isinstance(value, dict):
        raise LoadError(f"{name}: {where} is a table of keys.", hint=f"Write [{where}] above them.")
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    return str(value)


def _only(name: str, where: str, given: Iterable[str], known: Iterable[str]) -> None:
    for key in given:
        if key not in known:
            error = UnknownNameError("key", key, known)
            place = f"{where} " if where else ""
            raise LoadError(f"{name}: {place}{error.message}", hint=error.hint, key=key)
