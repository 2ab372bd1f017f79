"""Files: load CSV, NDJSON, JSON and Parquet files into the conformed tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from staycurve.config import Config
from staycurve.sources.batches import Batch
from staycurve.sources.exports import Export
from staycurve.sources.mapping import Mapping
from staycurve.sources.naming import files_of, table_of
from staycurve.sources.options import ReadOptions
from staycurve.sources.port import FileReport, Progress
from staycurve.sources.writer import LakeWriter
from staycurve.tables.lake import Lake

__all__ = ["FileReport", "load_files", "table_of"]


def load_files(
    lake: Lake,
    config: Config,
    paths: Sequence[Path],
    *,
    table: str | None = None,
    mapping: Mapping | None = None,
    options: ReadOptions | None = None,
    known: Sequence[Export] = (),
    is_dry_run: bool = False,
    is_complete: bool = False,
    may_be_empty: bool = False,
    now: dt.datetime,
    progress: Progress | None = None,
    wait: float = 600.0,
) -> list[FileReport]:
    """Load files in one unit of work: readers see all of it, or nothing.

    Parameters
    ----------
    paths : sequence of Path
        Files, or directories whose data files are meant.
    table : str, optional
        The table that all of them feed; else it is taken from each file's name.
    options : ReadOptions, optional
        Go before the mapping's own options.
    known : sequence of Export
        By whose headers a file is recognised where neither its table nor its mapping is given.
    is_dry_run : bool
        Whether to count only, and change nothing.
    is_complete : bool
        Whether each file is the complete export of its source: rows that an earlier load of the
        same file name brought, and that are no longer in it, are removed.
    may_be_empty : bool
        Whether a complete export may hold no row at all, and so remove every one.
    wait : float
        Seconds to wait for another writer.

    Returns
    -------
    list of FileReport
        One for each file and table, in the order of loading. A file that failed carries its error.

    Raises
    ------
    LoadError, UnknownNameError
        If nothing at all could be loaded.
    """
    writer = LakeWriter(
        lake, config, now=now, options=options, known=known, may_be_empty=may_be_empty, wait=wait
    )
    batches = [
        Batch(path, table=table, mapping=mapping, is_complete=is_complete)
        for path in files_of(paths)
    ]
    reports = writer.write(batches, is_dry_run=is_dry_run, progress=progress)
    errors = [report.error for report in reports if report.error]
    if errors and len(errors) == len(reports):
        raise errors[0]
    return reports
