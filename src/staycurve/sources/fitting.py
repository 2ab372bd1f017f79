"""Fitting: which of a file's columns feed which of a table's, as SQL over the staged file."""

from __future__ import annotations

import difflib
import re

from staycurve.config import Config
from staycurve.errors import LoadError, UnknownNameError
from staycurve.sources.mapping import Feed, Lookup
from staycurve.sources.options import ReadOptions
from staycurve.tables.base import Check, Column, Table
from staycurve.tables.conform import Conforming, is_id, text, trimmed, value_sql
from staycurve.tables.engine import name, quoted
from staycurve.tables.spelling import Writing
from staycurve.tables.staging import ROW, Staged
from staycurve.tables.subscriptions import SUBSCRIPTIONS

NEAR = 0.85
"""How alike a header has to be to the name of a column that it is proposed for."""
_UTC = "(UTC)"
"""What a header ends in whose instants are in UTC, whatever the company's time zone."""


def plain(header: str) -> str:
    """A column's name without regard to case, blanks and signs: `Account ID` → `account_id`."""
    own = header.strip().lower().removesuffix(_UTC.lower())
    return re.sub(r"[^a-z0-9]+", "_", own).strip("_")


def fit(
    table: Table, staged: Staged, feed: Feed, *, config: Config, options: ReadOptions, file: str,
    mapping: str, is_partial: bool = False,
) -> tuple[Conforming, list[str]]:
    """The statement's parts for feeding `table`, and the file's columns that feed nothing.

    Raises
    ------
    LoadError
        If the mapping names a column that the file or the table lacks, or a required column is
        not fed at all.
    """
    sources, used = _sources(table, staged, feed, file, mapping)
    fed = set(used)
    originals = {
        ours: _first([_known(text(staged.read(column)), options) for column in theirs])
        for ours, theirs in sources.items()
    }
    texts = {ours: _translated(sql, feed.values.get(ours)) for ours, sql in originals.items()}
    for ours, when in feed.when.items():
        _check_ours(table, ours, mapping)
        theirs = _theirs(staged, when.column, feed, file, mapping)
        used.add(theirs)
        listed = ", ".join(quoted(value) for value in when.values)
        counts = f"coalesce(lower({text(staged.read(theirs))}), '') IN ({listed})"
        texts[ours] = f"CASE WHEN {counts} THEN {texts.get(ours, 'NULL')} END"
    for ours in [*feed.values, *feed.defaults]:
        _check_ours(table, ours, mapping)
    for ours in feed.values:
        if ours not in originals and ours not in feed.lookups:
            raise LoadError(
                f"{mapping}: [values.{ours}] has nothing to translate: no column of {file} "
                f"feeds {ours}.",
                hint=f'Name one: [columns] "…" = "{ours}"',
            )
    raw, checks = staged.sql, []
    if options.order_by:
        theirs = _theirs(staged, options.order_by, feed, file, mapping)
        used.add(theirs)
        raw = _ordered(raw, text(staged.read(theirs)), _writing(options))
    for ours, lookup in feed.lookups.items():
        _check_ours(table, ours, mapping)
        theirs = _theirs(staged, lookup.column, feed, file, mapping)
        used.add(theirs)
        key = _known(text(staged.read(theirs)), options)
        raw, texts[ours] = _looked_up(raw, key, lookup, ours)
        originals[ours] = key
        checks.append(
            Check(
                ours,
                f"o_{ours} IS NOT NULL AND t_{ours} IS NULL",
                f"is not the {lookup.by} of any row of {lookup.table} that was loaded",
            )
        )
    for column in table.columns:
        if is_id(column) and column.name in texts and options.ids not in (None, "exact"):
            texts[column.name] = _one_id(texts[column.name], is_folded=options.ids == "casefold")
    if table is SUBSCRIPTIONS:
        _stand(texts, originals, options)
    for ours, value in feed.defaults.items():
        known = texts.get(ours, "NULL")
        texts[ours] = f"coalesce({known}, {quoted(value)})"
    row_text = None
    if feed.key_from:
        key_column = table.derived_key or table.key[0]
        columns = [_theirs(staged, column, feed, file, mapping) for column in feed.key_from]
        used |= set(columns)
        texts[key_column] = f"md5({_row_text(staged, columns)})"
        originals.setdefault(key_column, "NULL")
    elif table.derived_key and table.derived_key not in texts:
        row_text = _row_text(staged, sorted(staged.columns))
    where = "TRUE"
    if feed.only_if is not None:
        needed = _theirs(staged, feed.only_if, feed, file, mapping)
        where = f"{_known(text(staged.read(needed)), options)} IS NOT NULL"
    if not is_partial:
        _check_required(table, texts, staged, file, has_key=row_text is not None)
    used |= {"attributes"} if is_partial else set()
    left = [column for column in staged.columns if column not in used]
    extras = {}
    attributes = None
    if is_partial:
        attributes = staged.read("attributes") if "attributes" in staged.columns else None
    elif table.extra_column:
        # A column that a key or a lookup reads is still a trait of the row.
        kept = [column for column in staged.columns if column not in fed]
        extras = {
            column: _known(trimmed(staged.read(column)), options, nothing="''") for column in kept
        }
        left = []
    job = Conforming(
        table=table, raw=raw, texts=texts, originals=originals, extras=extras,
        currency=config.company.currency, timezone=config.company.timezone,
        row_text=row_text, payload=_payload(staged), checks=tuple(checks), where=where,
        writing=_writing(options),
        is_partial=is_partial, attributes=attributes,
        zones={ours: "UTC" for ours, theirs in sources.items() if all(map(_is_utc, theirs))},
    )
    return job, left


def _one_id(sql: str, *, is_folded: bool) -> str:
    """An id with one blank for every run of them, and without those at its ends."""
    plain = rf"trim(regexp_replace({sql}, '[\s\x{{00a0}}\x{{200b}}\x{{feff}}]+', ' ', 'g'))"
    return f"lower({plain})" if is_folded else plain


def _stand(texts: dict[str, str], originals: dict[str, str], options: ReadOptions) -> None:
    """Let rows that say today's status say as well when that was."""
    texts.pop("status_seen_at", None)
    if options.status != "current":
        return
    texts["status_seen_at"] = quoted(options.exported_at or "")
    originals.setdefault("status_seen_at", "NULL")
    if "status_since" in texts and "status" in texts:
        ended = f"lower({texts['status']}) IN ('canceled', 'cancelled')"
        since = f"CASE WHEN {ended} THEN {texts['status_since']} END"
        texts["ends_at"] = f"coalesce({texts.get('ends_at', 'NULL')}, {since})"
        originals.setdefault("ends_at", originals["status_since"])


def _writing(options: ReadOptions) -> Writing:
    return Writing(
        options.decimal or ".", options.thousands or "", options.dates or "iso",
        ends=options.ends or "exclusive", amounts=options.amounts or "major",
        timezone=options.timezone or "",
    )


def _known(sql: str, options: ReadOptions, nothing: str = "NULL") -> str:
    """The text, but nothing where it is one of those that mean no value."""
    if not options.empty:
        return sql
    listed = ", ".join(quoted(one) for one in options.empty)
    return f"CASE WHEN {sql} IN ({listed}) THEN {nothing} ELSE {sql} END"


def _is_utc(header: str) -> bool:
    return header.strip().upper().endswith(_UTC)


def _sources(
    table: Table, staged: Staged, feed: Feed, file: str, mapping: str
) -> tuple[dict[str, list[str]], set[str]]:
    """Our column → theirs that feed it; and all of theirs that the feed speaks of."""
    sources: dict[str, list[str]] = {}
    used: set[str] = set()
    for theirs, targets in feed.columns.items():
        column = _theirs(staged, theirs, feed, file, mapping)
        used.add(column)
        for ours in targets:
            _check_ours(table, ours, mapping)
            sources.setdefault(ours, []).append(column)
    own = {column.name for column in table.columns}
    for column in staged.columns:
        ours = plain(column)
        if column not in used and ours in own and ours not in sources:
            sources[ours] = [column]
            used.add(column)
    return sources, used


def _theirs(staged: Staged, column: str, feed: Feed, file: str, mapping: str) -> str:
    if column in staged.columns:
        return column
    alike = [name for name in staged.columns if plain(name) == plain(column)]
    if len(alike) == 1:
        return alike[0]
    renamed = [theirs for theirs, ours in feed.columns.items() if column in ours]
    if len(renamed) == 1 and renamed[0] in staged.columns:
        return renamed[0]
    error = UnknownNameError("column", column, staged.columns)
    near = f" Did you mean '{error.suggestion}'?" if error.suggestion else ""
    raise LoadError(
        f"{mapping} names the column '{column}', which {file} does not have.{near}",
        hint=f"{file} has: {', '.join(staged.columns)}",
        column=column,
    )


def _check_ours(table: Table, column: str, mapping: str) -> None:
    known = [declared.name for declared in table.columns]
    if column not in known:
        error = UnknownNameError("column", column, known)
        near = f" Did you mean '{error.suggestion}'?" if error.suggestion else ""
        raise LoadError(
            f"{mapping} names the column '{column}', which {table.name} does not have.{near}",
            hint=f"{table.name} has: {', '.join(known)}",
            column=column,
        )


def _first(expressions: list[str]) -> str:
    return expressions[0] if len(expressions) == 1 else f"coalesce({', '.join(expressions)})"


def _translated(sql: str, values: object) -> str:
    if not isinstance(values, dict) or not values:
        return sql
    cases = " ".join(
        f"WHEN {quoted(theirs)} THEN {quoted(ours)}" for theirs, ours in values.items()
    )
    return f"nullif(CASE lower({sql}) {cases} ELSE {sql} END, '')"


def _ordered(raw: str, key: str, writing: Writing) -> str:
    """The staged file with its rows numbered anew, those with a larger value of `key` later.

    Of rows with one key the last one counts.
    """
    instant = value_sql(Column("order_by", "instant", ""), key, writing)
    values = (f"TRY_CAST({key} AS DECIMAL(38,6))", instant, key)
    order = ", ".join(f"{value} NULLS FIRST" for value in values)
    place = f"row_number() OVER (ORDER BY {order}, r.{ROW}) - 1"
    return f"SELECT r.* REPLACE ({place} AS {ROW}) FROM ({raw}) r"


def _looked_up(raw: str, key: str, lookup: Lookup, ours: str) -> tuple[str, str]:
    """The staged file with what was found beside it, and SQL for that."""
    found = f"l_{ours}"
    # One answer for each key, so that no row is doubled.
    answers = (
        f"SELECT {name(lookup.by)} AS k, min({name(ours)}) AS v FROM {name(lookup.table)} "
        f"WHERE {name(lookup.by)} IS NOT NULL GROUP BY {name(lookup.by)}"
    )
    joined = f"SELECT r.*, l.v AS {found} FROM ({raw}) r LEFT JOIN ({answers}) l ON l.k = {key}"
    return joined, f"r.{found}"


def _row_text(staged: Staged, columns: list[str]) -> str:
    # Name and value, so that a value which moves to another column is another row.
    pieces = [
        f"{quoted(column + '=')} || coalesce({staged.read(column)}, '')" for column in columns
    ]
    return f"concat_ws(chr(31), {', '.join(pieces)})"


def _payload(staged: Staged) -> str:
    pairs = ", ".join(f"{quoted(column)}, {staged.read(column)}" for column in staged.columns)
    return f"CAST(json_object({pairs}) AS VARCHAR)"


def _check_required(
    table: Table, texts: dict[str, str], staged: Staged, file: str, *, has_key: bool
) -> None:
    missing = [
        column.name
        for column in table.columns
        if column.is_required
        and column.name not in texts
        and not (has_key and column.name == table.derived_key)
    ]
    if not missing:
        return
    known = {plain(column): column for column in staged.columns}
    pairs = ", ".join(
        f'"{known[near[0]] if near else "…"}" = "{ours}"' for ours in missing
        for near in [difflib.get_close_matches(ours, known, 1, NEAR)]
    )
    raise LoadError(
        f"{file} lacks what {table.name} requires: {', '.join(missing)}. "
        f"It has: {', '.join(staged.columns)}.",
        hint=f"Let a mapping be proposed: staycurve map {file}   (or write one: [columns] {pairs})",
        file=file, missing=missing,
    )

