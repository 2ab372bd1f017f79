"""Sources: the outside systems of one company, and bringing their rows in."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from staycurve.errors import system_error
from staycurve.period import parse_instant
from staycurve.section_faults import fields_of, takes_of
from staycurve.sources import raw
from staycurve.sources.base import SOURCES, Sender, Source
from staycurve.sources.configured import Configured, configured, configured_as
from staycurve.sources.cursors import Cursor
from staycurve.sources.exports import known_exports
from staycurve.sources.port import Progress
from staycurve.sources.stream_records import cursor_of, is_from
from staycurve.sources.syncing import StreamReport, SyncRequest, sync
from staycurve.sources.writer import LakeWriter
from staycurve.tables.lake import alone
from staycurve.tables.pointer import LoadRecord
from staycurve.workspace.project import Project

LOCK = ".sync.lock"
RUNS = Path("logs") / "syncs.json"
CERTIFICATES = Path("logs") / "certificates"
"""One file for each time that a source was listed whole."""


@dataclass(frozen=True)
class StreamState:
    """One stream of a configured source, and how far it has come.

    Attributes
    ----------
    tables : tuple of str
        The conformed tables that it fills; none where each file says it.
    cursor : Cursor, optional
        Where the next sync goes on; None before the first.
    last_run_at, last_error : str, optional
        When it was last synced, and what ended that, if anything did.
    last_loaded_at : str, optional
        When it last brought anything.
    last_success_at : str, optional
        When it was last read to its end without an error.
    lag_seconds : int, optional
        How far behind that is: its source may have changed since. None before the first.
    """

    source: str
    kind: str
    stream: str
    tables: tuple[str, ...]
    cursor: Cursor | None
    loads: int
    accepted: int
    replaced: int
    rejected: int
    last_run_at: str | None
    last_error: str | None
    last_loaded_at: str | None
    last_success_at: str | None = None
    lag_seconds: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """As JSON; of what a cursor keeps it tells how many there are."""
        return {
            "source": self.source, "kind": self.kind, "stream": self.stream,
            "tables": list(self.tables),
            "cursor": None if self.cursor is None else self.cursor.at,
            "kept": 0 if self.cursor is None else len(self.cursor.kept),
            "loads": self.loads, "accepted": self.accepted, "replaced": self.replaced,
            "rejected": self.rejected, "last_run_at": self.last_run_at,
            "last_error": self.last_error, "last_loaded_at": self.last_loaded_at,
            "last_success_at": self.last_success_at, "lag_seconds": self.lag_seconds,
        }


class Sources:
    """The outside systems of one project.

    Parameters
    ----------
    project : Project
        Its staycurve.toml configures them.
    """

    def __init__(self, project: Project) -> None:
        self._project = project

    def kinds(self) -> list[dict[str, Any]]:
        """Every kind of source: what its section takes, and its streams."""
        return [_described(source) for _, source in SOURCES.items()]

    def listed(self) -> list[StreamState]:
        """Every stream of every configured source, and how far it has come."""
        loads, runs, now = self._project.loads(), self._runs(), self._project.clock()
        return [
            _state(sender, loads, runs.get(sender.label, {}), now)
            for one in configured(self._project.config).values()
            for sender in one.senders
        ]

    def sync(
        self, *names: str, since: str | None = None, is_full: bool = False,
        is_dry_run: bool = False, is_reparse: bool = False, progress: Progress | None = None,
        wait: float = 600.0,
    ) -> list[StreamReport]:
        """Bring configured sources up to date; one whose stream fails leaves the others.

        Parameters
        ----------
        *names : str
            Names of staycurve.toml; every source without them.
        since : str, optional
            What changed from then on is read again, whatever was read before.
        is_full : bool
            Whether to read everything again.
        is_dry_run : bool
            Whether to count only, and change nothing.
        is_reparse : bool
            Whether to ask nobody, and derive rows anew from the objects that are kept.
        wait : float
            Seconds to wait for another sync, and for another writer.

        Returns
        -------
        list of StreamReport
            One for each stream; what failed carries its error.
        """
        project = self._project
        config, now = project.config, project.clock()
        chosen = [configured_as(config, name) for name in dict.fromkeys(names)]
        asked = SyncRequest(
            parse_instant(since, config.company.zone) if since else None, is_full, is_dry_run,
            is_reparse,
        )
        _ = project.snapshot
        with alone(project.folder / LOCK, "syncing", wait=wait):
            reports = sync(
                LakeWriter(
                    project.lake, config, now=now, known=known_exports(project.folder), wait=wait
                ),
                chosen or configured(config).values(), asked,
                folder=project.folder, now=now, progress=progress,
            )
            if not is_dry_run:
                self._note(reports, now)
                for one in chosen or configured(config).values():
                    if one.source.certificate and not is_reparse:
                        self._keep_certificate(one, now)
        return reports

    def certificate(self, *names: str) -> list[dict[str, Any]]:
        """What each source had when it was last listed whole, what is here, and what differs.

        Parameters
        ----------
        *names : str
            Names of staycurve.toml; every source without them.
        """
        project = self._project
        found: list[dict[str, Any]] = []
        chosen = [configured_as(project.config, name) for name in dict.fromkeys(names)]
        for one in chosen or configured(project.config).values():
            if one.source.certificate:
                with raw.kept(project.lake, one.name, one.source.name) as kept:
                    lines = one.source.certificate(kept, one.name)
                found += [line.as_dict() for line in lines]
        return found

    def certified(self) -> Mapping[str, bool]:
        """Source → whether nothing differed when it was last listed whole, as was kept then."""
        found: dict[str, bool] = {}
        for name in configured(self._project.config):
            # What stands after the name is the time of the list, of one length.
            kept = sorted((self._project.folder / CERTIFICATES).glob(f"{name}-{'[0-9]' * 14}.json"))
            told = _read(kept[-1]) if kept else {}
            if rows := told.get("rows"):
                found[name] = all(row["is_complete"] for row in rows)
        return found

    def noted_at(self) -> int:
        """When the last sync noted what it did, in nanoseconds; 0 before the first."""
        try:
            return (self._project.folder / RUNS).stat().st_mtime_ns
        except OSError:
            return 0

    def _keep_certificate(self, one: Configured, now: dt.datetime) -> None:
        """Keep the certificate of a source that was listed whole since the last one."""
        loads = self._project.loads()
        cursors = [cursor_of(loads, sender) for sender in one.senders]
        listed = max((str(c.kept.get("listed_at") or "") for c in cursors if c), default="")
        folder = self._project.folder / CERTIFICATES
        name = f"{one.name}-{re.sub('[^0-9]', '', listed)[:14]}.json"
        if not listed or (folder / name).exists():
            return
        told = {"at": now.astimezone(dt.UTC).isoformat(), "rows": self.certificate(one.name)}
        folder.mkdir(parents=True, exist_ok=True)
        new = folder / f".{name}.new"
        new.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
        os.replace(new, folder / name)

    def _runs(self) -> Mapping[str, Mapping[str, Any]]:
        """Stream → its last run; nothing where that cannot be read, for no number rests on it."""
        return _read(self._project.folder / RUNS)

    def _note(self, reports: Sequence[StreamReport], now: dt.datetime) -> None:
        at = now.astimezone(dt.UTC).isoformat()
        runs = dict(self._runs())
        for report in reports:
            errors = report.errors
            told = [*(error.message for error in errors), *report.notes]
            before = _success(runs.get(report.label, {}))
            runs[report.label] = {
                "at": at, "error": told[0] if told else None,
                "success_at": before if errors else at,
            }
        path = self._project.folder / RUNS
        try:
            path.parent.mkdir(exist_ok=True)
            new = path.with_suffix(".new")
            new.write_text(json.dumps(runs, ensure_ascii=False, indent=1), encoding="utf-8")
            os.replace(new, path)
        except OSError as error:
            raise system_error(error) or error from error


def _read(path: Path) -> dict[str, Any]:
    """An object of JSON that was kept; empty where it cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _state(
    sender: Sender, loads: Sequence[LoadRecord], run: Mapping[str, Any], now: dt.datetime
) -> StreamState:
    success = _success(run)
    # A clock that was set back since puts nothing ahead of now.
    lag = max(now - dt.datetime.fromisoformat(success), dt.timedelta()) if success else None
    own = [record for record in loads if is_from(record, sender)]
    return StreamState(
        source=sender.name, kind=sender.kind, stream=sender.stream.name,
        tables=sender.stream.tables, cursor=cursor_of(own, sender), loads=len(own),
        accepted=sum(record.accepted for record in own),
        replaced=sum(record.replaced for record in own),
        rejected=sum(record.rejected for record in own),
        last_run_at=run.get("at"), last_error=run.get("error"),
        last_loaded_at=own[-1].loaded_at if own else None,
        last_success_at=success, lag_seconds=None if lag is None else int(lag.total_seconds()),
    )


def _success(run: Mapping[str, Any]) -> str | None:
    """When a stream was last read to its end; earlier versions kept its last run alone."""
    if "success_at" in run:
        return run["success_at"] or None
    return None if run.get("error") else run.get("at")


def _described(source: Source[Any]) -> dict[str, Any]:
    return {
        "kind": source.name, "title": source.title, "about": source.about,
        "example": source.example,
        "keys": [
            {"key": key, "takes": takes.words if (takes := takes_of(kind)) else ""}
            for key, kind in fields_of(source.settings).items()
        ],
        "streams": [
            {
                "stream": stream.name, "about": stream.about, "tables": list(stream.tables),
                "key": list(stream.key), "cursor": stream.cursor,
            }
            for stream in source.streams
        ],
    }
