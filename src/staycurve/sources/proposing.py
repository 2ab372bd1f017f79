"""Proposing: a mapping for a file, recognised or guessed, and what it comes to.

The file is staged once and read to its end; nothing is loaded.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from staycurve.config import Config
from staycurve.errors import LoadError
from staycurve.sources.diagnosis import Diagnosis, Fix, Subject, diagnose
from staycurve.sources.exports import Export
from staycurve.sources.fitting import plain
from staycurve.sources.guessing import (
    Guess,
    currency_of,
    guessed,
    interval_in_values,
    is_monthly,
    is_unique,
    likely_table,
    samples_of,
)
from staycurve.sources.mapping import Feed, Mapping
from staycurve.sources.naming import known_table, table_of
from staycurve.sources.options import ReadOptions
from staycurve.sources.reaching import reached
from staycurve.sources.reading import stage
from staycurve.sources.recognising import recognised
from staycurve.sources.writing_maps import mapping_text
from staycurve.tables.base import Table
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.spelling import Writing
from staycurve.tables.staging import Staged
from staycurve.tables.subscriptions import SUBSCRIPTIONS

_WRITINGS = tuple(
    Writing(decimal, thousands, dates)
    for dates in ("iso", "dmy", "mdy", "spreadsheet", "epoch")
    for decimal, thousands in ((".", ","), (",", "."))
)


@dataclass(frozen=True)
class Proposal:
    """A mapping for a file, and what the file comes to under it.

    Attributes
    ----------
    export : Export, optional
        What the file was recognised as; None where its columns were guessed or a mapping was
        given.
    columns : tuple of Guess
        Every column of the file in its order, with the one of ours that it feeds.
    missing : tuple of str
        Columns that the table requires, and that none of the file's feeds.
    diagnoses : tuple of Diagnosis
        One for each table that the file feeds, its own first; none where a column is missing.
    """

    file: str
    table: str
    mapping: Mapping
    options: ReadOptions
    columns: tuple[Guess, ...]
    export: Export | None = None
    missing: tuple[str, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()

    @property
    def main(self) -> Diagnosis | None:
        """Of the file's own table."""
        return self.diagnoses[0] if self.diagnoses else None

    @property
    def best_fix(self) -> Fix | None:
        """The options that fix more rows than any others; None where two fix as many."""
        fixes = self.main.fixes if self.main else ()
        is_alone = len(fixes) == 1 or (len(fixes) > 1 and fixes[0].rows > fixes[1].rows)
        return fixes[0] if is_alone else None

    @property
    def toml(self) -> str:
        """The mapping as TOML, with the options under which it was looked at."""
        told = self.export.about if self.export else f"Proposed for {self.file}"
        return mapping_text(
            replace(self.mapping, options=self.options), table=self.table,
            headers=[one.theirs for one in self.columns], about=told,
        )

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        main = self.main
        counted = main.as_dict() if main else {
            "rows": 0, "accepted": 0, "rejected": 0, "rules": [], "options": [],
        }
        return {
            "file": self.file,
            "table": self.table,
            "map": self.export.name if self.export else None,
            "looks_like": self.export.title if self.export else None,
            "is_verified": self.export.is_verified if self.export else None,
            "unsure": self.export.unsure if self.export else "",
            "columns": [one.as_dict() for one in self.columns],
            "missing": list(self.missing),
            **{key: counted[key] for key in ("rows", "accepted", "rejected", "rules", "options")},
            "why": main.refusal.message if main and main.refusal else None,
            "also": [one.as_dict() for one in self.diagnoses[1:]],
            "toml": self.toml,
        }


def propose(
    engine: Engine, path: Path, config: Config, *, folder: Path, known: Sequence[Export] = (),
    table: str | None = None, mapping: Mapping | None = None, options: ReadOptions | None = None,
) -> Proposal:
    """Look at a file: what it is, which column feeds which, and what would be rejected.

    Parameters
    ----------
    engine : Engine
        Names the tables of the lake, in which a mapping may look things up.
    folder : Path
        Where the file is staged; it is made, and removed again.
    known : sequence of Export
        By whose headers it may be recognised, where neither `table` nor `mapping` is given.
    options : ReadOptions, optional
        Go before those of the mapping.

    Raises
    ------
    LoadError, UnknownNameError
        If the file cannot be read, is two known exports, or names no table that could be meant.
    """
    given = options or ReadOptions()
    export = None
    if mapping is None and table is None:
        export = recognised(path, given, known) if path.is_file() else None
        mapping = export.mapping if export else None
    own = given.over(mapping.options) if mapping else given
    folder.mkdir(parents=True)
    try:
        read = stage(engine, path, folder, own)
        if mapping is None:
            chosen = _table(path, table, read.staged)
            found = guessed(engine, chosen, read.staged, _WRITINGS)
            mapping = _mapping(engine, chosen, read.staged, found, path.name)
        else:
            stated = table or mapping.main.table
            chosen = CONFORMED[known_table(stated) if stated else table_of(path.name)]
            found = {}
        staged = reached(read.staged, mapping)
        feed = mapping.feed_for(mapping.main, staged.columns)
        missing = _missing(chosen, feed, staged)
        proposal = Proposal(
            path.name, chosen.name, mapping, own,
            _columns(engine, read.staged, feed, chosen, found), export, missing,
        )
        if missing:
            return proposal
        subjects = [
            Subject(
                engine, CONFORMED[one.table or chosen.name], staged,
                mapping.feed_for(one, staged.columns), config, path.name, mapping.name,
            )
            for one in (replace(mapping.main, table=chosen.name), *mapping.also)
        ]
        return replace(
            proposal, diagnoses=tuple(diagnose(subject, own) for subject in subjects)
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _table(path: Path, table: str | None, staged: Staged) -> Table:
    if table is not None:
        return CONFORMED[known_table(table)]
    try:
        return CONFORMED[table_of(path.name)]
    except LoadError:
        found = likely_table(staged.columns)
        if found is None:
            raise LoadError(
                f"{path.name}: its columns are those of no known export, and say of no table what "
                f"it requires. It has: {', '.join(staged.columns)}.",
                hint=f"Say which table it feeds: --table NAME; known: {', '.join(CONFORMED)}",
                file=path.name,
            ) from None
        return found


def _mapping(
    engine: Engine, table: Table, staged: Staged, found: dict[str, tuple[str, float]], file: str
) -> Mapping:
    """The guesses as a mapping, without a column that is ours by name and does not fit."""
    own = {column.name for column in table.columns}
    columns: dict[str, tuple[str, ...]] = {}
    for theirs in staged.columns:
        if theirs in found:
            columns[theirs] = (found[theirs][0],)
        elif plain(theirs) in own:
            columns[theirs] = ()
    fed = {ours: theirs for theirs, (ours, _fits) in found.items()}
    defaults = {}
    amount = fed.get("amount") or fed.get("unit_amount") or ""
    if "interval" in own and is_monthly(amount):
        # How often is billed says nothing of an amount that is a month's.
        for ours in {"interval", "interval_count"} & set(fed):
            columns[fed.pop(ours)] = ()
        defaults["interval"] = "month"
    elif "interval" in own and "interval" not in fed and amount:
        free = [one for one in staged.columns if one not in found or found[one][0] == "plan"]
        says = interval_in_values(engine, table, staged, free, _WRITINGS)
        if says is not None:
            columns[says] = (*columns.get(says, ()), "interval")
    if "currency" in own and "currency" not in fed and currency_of(amount):
        defaults["currency"] = currency_of(amount)
    account = fed.get("account_id")
    if table is SUBSCRIPTIONS and account and "subscription_id" not in fed \
            and is_unique(engine, staged, account):
        # One row an account: it has one subscription.
        columns[account] = ("account_id", "subscription_id")
    feed = Feed(table=table.name, columns=columns, defaults=defaults)
    return Mapping(feed, name=f"the mapping of {file}")


def _missing(table: Table, feed: Feed, staged: Staged) -> tuple[str, ...]:
    fed = {name for ours in feed.columns.values() for name in ours}
    fed |= {*feed.lookups, *feed.defaults}
    fed |= {plain(column) for column in staged.columns if column not in feed.columns}
    if feed.key_from:
        fed.add(table.derived_key or table.key[0])
    return tuple(
        column.name for column in table.columns
        if column.is_required and column.name not in fed and column.name != table.derived_key
    )


def _columns(
    engine: Engine, staged: Staged, feed: Feed, table: Table,
    found: dict[str, tuple[str, float]],
) -> tuple[Guess, ...]:
    samples = samples_of(engine, staged)
    own = {column.name for column in table.columns}
    fed: dict[str, list[str]] = {}
    for theirs, ours in feed.columns.items():
        # What lies inside a column is fed by it.
        holder = theirs if theirs in staged.columns else theirs.partition(".")[0]
        known = next((c for c in staged.columns if plain(c) == plain(holder)), holder)
        fed.setdefault(known, []).extend(ours)
    for found_in, one in feed.lookups.items():
        fed.setdefault(one.column, []).append(found_in)
    guesses = []
    for theirs in staged.columns:
        targets = fed.get(theirs)
        if targets is None and plain(theirs) in own:
            targets = [plain(theirs)]
        guesses.append(
            Guess(
                theirs, ", ".join(dict.fromkeys(targets or [])) or None, samples[theirs],
                found[theirs][1] if theirs in found else 1.0,
            )
        )
    return tuple(guesses)
