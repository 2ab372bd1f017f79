"""Recovery: a state database or a lake that was lost or damaged, as far as the rest can tell.

Every move of the pointer leaves a note beside the tables, so a lost state.db is built again in
full. A lake that was written before there were notes has the newest versions of its logs alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from staycurve.errors import BusyError, LakeError, ProjectError
from staycurve.tables.base import PROVENANCE
from staycurve.tables.books import ACCOUNTS_TABLE, FIGURES_TABLE, MONTHS_TABLE
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.corrections import ADJUSTED_TABLE, ADJUSTMENTS_TABLE
from staycurve.tables.damage import RECOMPUTED, damage_of
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.engine import name, quoted
from staycurve.tables.lake import Lake
from staycurve.tables.pointer import LoadRecord, Snapshot, noted
from staycurve.tables.raw import LISTED_TABLE, RAW_TABLE
from staycurve.tables.rejects import REJECTS_TABLE

KEPT_META = ("timezone", "currency")
"""What is loaded was read with these; all else is found by the refresh that follows."""

LOADED = (
    *CONFORMED, REJECTS_TABLE, ADJUSTMENTS_TABLE, ADJUSTED_TABLE, MONTHS_TABLE, FIGURES_TABLE,
    ACCOUNTS_TABLE, RAW_TABLE, LISTED_TABLE,
)
"""Tables that nothing computes again."""


@dataclass(frozen=True)
class Plan:
    """What is wrong, and what can be done about it.

    Attributes
    ----------
    wrong : tuple of str
        What was found; nothing to do without any.
    saved, lost : tuple of str
        What comes back, and what does not.
    snapshots, loads
        What the pointer holds afterwards.
    aside : tuple of str
        Tables that are moved to where nothing reads them.
    is_rebuilt : bool
        Whether the state database is written anew.
    is_refreshed : bool
        Whether the derived tables are computed again afterwards.
    """

    wrong: tuple[str, ...] = ()
    saved: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    loads: tuple[LoadRecord, ...] = ()
    aside: tuple[str, ...] = ()
    is_rebuilt: bool = False
    is_refreshed: bool = False


@dataclass
class _Known:
    """What the state database and the notes still tell."""

    wrong: list[str] = field(default_factory=list)
    saved: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    snapshots: dict[int, Snapshot] = field(default_factory=dict)
    loads: dict[int, LoadRecord] = field(default_factory=dict)

    @property
    def latest(self) -> Snapshot:
        return self.snapshots[max(self.snapshots)] if self.snapshots else Snapshot()


def plan(lake: Lake, *, now: dt.datetime) -> Plan:
    """What is wrong with a project, and what would be saved and lost; changes nothing.

    Raises
    ------
    BusyError, ProjectError
        If another program holds the state database, or a newer staycurve wrote it.
    """
    known = _Known()
    has_lake = _has_lake(lake)
    is_rebuilt = _state(lake, known, has_lake=has_lake)
    if is_rebuilt and not known.snapshots and has_lake:
        _from_logs(lake, known, now)
    latest = known.latest
    tables, aside = _tables(lake, known, latest, has_lake=has_lake)
    is_changed = tables != dict(latest.tables)
    if is_changed:
        meta = {key: latest.meta[key] for key in KEPT_META if key in latest.meta}
        at = now.astimezone(dt.UTC).isoformat()
        known.snapshots[latest.seq + 1] = Snapshot(latest.seq + 1, tables, meta, at)
    is_due = any(table in RECOMPUTED for table in aside) or is_changed
    return Plan(
        wrong=tuple(known.wrong),
        saved=tuple(known.saved),
        lost=tuple(known.lost),
        snapshots=tuple(known.snapshots[seq] for seq in sorted(known.snapshots)),
        loads=tuple(known.loads[load] for load in sorted(known.loads)),
        aside=tuple(table for table in aside if table not in RECOMPUTED),
        is_rebuilt=is_rebuilt or is_changed,
        is_refreshed=(is_due or bool(aside)) and has_lake,
    )


def carry_out(lake: Lake, plan: Plan, *, now: dt.datetime) -> list[str]:
    """Do what a plan says; the places where what was there is kept.

    It can be run again when it was interrupted: the state database is replaced in one step, last.
    """
    stamp = now.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%S")
    kept: list[str] = []
    lake.store.create()
    with lake.locked():
        for table in plan.aside:
            if table in lake.store.tables():
                kept.append(lake.store.put_aside(table, stamp))
        if plan.is_rebuilt:
            before = lake.pointer.rebuild(plan.snapshots, plan.loads, stamp=stamp)
            kept += [str(before)] if before else []
    return kept


def _has_lake(lake: Lake) -> bool:
    try:
        lake.store.check()
    except ProjectError:
        return False
    return True


def _state(lake: Lake, known: _Known, *, has_lake: bool) -> bool:
    """Read what the state database and the notes tell; whether it must be written anew."""
    try:
        lake.pointer.latest()
        records = lake.pointer.loads()
    except BusyError:
        raise
    except (LakeError, ProjectError) as error:
        if "newer staycurve" in error.message:
            raise
        known.wrong.append(error.message)
    else:
        known.snapshots, _ = _by_number(lake.pointer.salvage())
        known.loads = {record.load: record for record in records}
        return False
    snapshots, loads = _by_number(lake.pointer.salvage())
    notes = lake.store.notes() if has_lake else {}
    for text in notes.values():
        found = noted(text, lake.folder)
        if found is not None:
            known.snapshots[found[0].seq] = found[0]
            known.loads |= {record.load: record for record in found[1]}
    # What the database itself still says comes before its copy.
    known.snapshots |= snapshots
    known.loads |= loads
    if known.snapshots:
        latest, first = known.latest, min(known.snapshots)
        known.saved.append(
            f"{len(known.snapshots)} states of the tables, the last of {latest.moved_at}, and "
            f"{len(known.loads)} loads."
        )
        if first > 1:
            known.lost.append(
                f"States and loads before number {first}: --known-at, undo and restatements do "
                "not reach them."
            )
    return True


def _by_number(
    found: tuple[Sequence[Snapshot], Sequence[LoadRecord]],
) -> tuple[dict[int, Snapshot], dict[int, LoadRecord]]:
    return {s.seq: s for s in found[0]}, {record.load: record for record in found[1]}


def _from_logs(lake: Lake, known: _Known, now: dt.datetime) -> None:
    """The newest version of every loaded table: a lake without notes tells no more."""
    there = set(lake.store.tables())
    tables: dict[str, int] = {}
    for table in LOADED:
        version = lake.newest(table) if table in there else None
        if version is not None:
            tables[table] = version
        elif table in there:
            known.lost.append(f"Table {table}: its log cannot be read.")
    if not tables:
        known.saved.append("Nothing: the lake holds no table yet.")
        return
    at = now.astimezone(dt.UTC).isoformat()
    known.snapshots[1] = Snapshot(1, tables, {}, at)
    known.loads = _loads_of(lake, known.snapshots[1])
    known.saved.append(
        f"The newest rows of {', '.join(tables)}; {len(known.loads)} loads by number and rows."
    )
    known.lost.append(
        "What was loaded when, from which file: undo, --known-at and restatements begin anew."
    )
    known.lost.append(
        "Whether the last load had ended: load its file again, which changes nothing if it had."
    )


def _loads_of(lake: Lake, snapshot: Snapshot) -> dict[int, LoadRecord]:
    """What rows tell of the loads that brought them."""
    column = name(PROVENANCE[0][0])
    rows: dict[int, dict[str, int]] = {}
    with Engine(lake.folder / ".tmp") as engine:
        for table in CONFORMED:
            if damage_of(lake, snapshot, table) is not None or not lake.files(snapshot, table):
                continue
            listed = ", ".join(quoted(path) for path in lake.files(snapshot, table))
            for load, count in engine.rows(
                f"SELECT {column}, COUNT(*) FROM read_parquet([{listed}]) "
                f"WHERE {column} IS NOT NULL GROUP BY {column}"
            ):
                rows.setdefault(int(load), {})[table] = int(count)
    return {
        load: LoadRecord(
            load, snapshot.moved_at, "unknown", max(counts, key=lambda t: counts[t]),
            max(counts.values()), 0, 0, {"kind": "load", "recovered": True}, snapshot.seq,
        )
        for load, counts in sorted(rows.items())
    }


def _tables(
    lake: Lake, known: _Known, latest: Snapshot, *, has_lake: bool
) -> tuple[dict[str, int], list[str]]:
    """The versions that readers may see, and the tables of which none is whole."""
    if not has_lake:
        known.wrong.append(_why_no_lake(lake))
        loaded = [table for table in LOADED if table in latest.tables]
        if loaded:
            known.lost.append(f"Every row of {', '.join(loaded)}: load their files again.")
            known.lost += _files_of(known.loads)
        return {}, []
    tables, aside = dict(latest.tables), []
    for table, version in latest.tables.items():
        damage = damage_of(lake, latest, table)
        if damage is None:
            continue
        known.wrong.append(damage.message)
        if table in RECOMPUTED:
            aside.append(table)
            known.saved.append(f"Table {table}: it is computed again.")
            continue
        whole = _whole_before(lake, table, version)
        if whole is not None:
            tables[table] = whole
            since = [r.load for r in known.loads.values() if _is_after(r, table, whole)]
            known.saved.append(f"Table {table} as it was before, at version {whole}.")
            known.lost.append(
                f"What load {', '.join(map(str, since)) or '(unknown)'} brought to {table}: load "
                "it again."
            )
            known.lost += _files_of({n: known.loads[n] for n in since})
        else:
            del tables[table]
            aside.append(table)
            own = {n: r for n, r in known.loads.items() if r.table == table}
            known.lost.append(f"Every row of {table}: {_remedy(table)}")
            known.lost += _files_of(own)
    return tables, aside


def _remedy(table: str) -> str:
    if table in CONFORMED:
        return "load its files again."
    if table == REJECTS_TABLE:
        return "load the files again whose rows were rejected or waited."
    if table in (RAW_TABLE, LISTED_TABLE):
        return "fetch it again: staycurve sync --full"
    return "it was kept nowhere else."


def _why_no_lake(lake: Lake) -> str:
    try:
        lake.store.check()
    except ProjectError as error:
        return error.message
    return "The lake is missing."


def _whole_before(lake: Lake, table: str, version: int) -> int | None:
    """The last version before `version` of which every file can be read."""
    for earlier in range(version - 1, -1, -1):
        if damage_of(lake, Snapshot(tables={table: earlier}), table) is None:
            return earlier
    return None


def _is_after(record: LoadRecord, table: str, version: int) -> bool:
    versions: Mapping[str, tuple[int | None, int]] = record.versions
    return table in versions and versions[table][1] > version


def _files_of(loads: Mapping[int, LoadRecord]) -> list[str]:
    return [
        f"  load {record.load}: {record.details.get('path') or record.file} → {record.table}"
        for _, record in sorted(loads.items())
        if record.kind in ("load", "replace")
    ]

