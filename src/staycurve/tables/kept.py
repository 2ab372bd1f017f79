"""Kept answers: what is dear to compute, kept beside the files that it rests on.

An answer's name is a digest of its statement and of the files of every table that the statement
names. Files of the lake are never changed, so an answer under that name is the right one; another
load, another rule or another version of the statement has another name. All of it may be removed
at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from staycurve.tables import views
from staycurve.tables.duckdb_engine import Engine, Failure
from staycurve.tables.engine import AnyEngine, quoted
from staycurve.tables.lake import Lake
from staycurve.tables.pointer import Snapshot

KEPT = 3
"""Answers of one relation that stay: a process may still serve the snapshot before."""


def keep_for_files(
    engine: AnyEngine,
    lake: Lake,
    snapshot: Snapshot,
    folder: Path,
    relation: str,
    statement: str,
    *,
    compute: Callable[[], None],
) -> None:
    """Let `relation` be the answer of `statement`, from an earlier process if it has been there.

    Parameters
    ----------
    snapshot : Snapshot
        What the engine sees.
    folder : Path
        Of files that may be removed.
    compute : callable
        Lets `relation` be the answer, if no process has kept it.
    """
    if not isinstance(engine, Engine):
        # Another engine has its own files, and keeps the relation while it is open.
        compute()
        return
    own = folder / f"{relation}-{_digest(lake, snapshot, statement)}"
    if _is_read(engine, relation, own):
        return
    compute()
    part = folder / f"{relation}.{uuid.uuid4().hex}"
    try:
        if engine.write(f"SELECT * FROM {relation}", part):
            os.replace(part, own)
        _remove_older(folder, relation)
    except OSError:
        # The answer is there; the next process computes it again.
        pass
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _is_read(engine: AnyEngine, relation: str, own: Path) -> bool:
    files = sorted(own.glob("*.parquet"))
    if not files:
        return False
    listed = ", ".join(quoted(str(file)) for file in files)
    try:
        engine.keep(relation, f"SELECT * FROM read_parquet([{listed}])")
    except Failure:
        # A machine that lost its power may have left a file without its content.
        shutil.rmtree(own, ignore_errors=True)
        return False
    # Where a reader may not write, the answer is as good.
    with contextlib.suppress(OSError):
        os.utime(own)
    return True


def _digest(lake: Lake, snapshot: Snapshot, statement: str) -> str:
    found = hashlib.sha256(statement.encode())
    for table in sorted(views.stored_columns()):
        if re.search(rf"\b{table}\b", statement):
            found.update("\n".join([table, *sorted(lake.files(snapshot, table))]).encode())
    return found.hexdigest()[:32]


def _remove_older(folder: Path, relation: str) -> None:
    found = sorted(folder.glob(f"{relation}-*"), key=lambda path: path.stat().st_mtime)
    for path in found[:-KEPT]:
        shutil.rmtree(path, ignore_errors=True)
