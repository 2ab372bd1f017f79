"""Rewriting: files of the lake made anew under their names, and the logs that tell their bytes.

Every version stays what it was, but for the person's texts: what was known then, what a closed
month rests on and what `undo` puts back have the random keys. Each table's files are prepared
first and put in place together with its log, while the one writer's lock is held. A log tells how
long each file is: which files are on their way is kept beside the lock, so that `finish` can tell
the logs of them where the process was killed in between.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.engine import name, quoted
from staycurve.tables.lake import Lake
from staycurve.tables.person.searching import Hit, Hits
from staycurve.tables.store import LOG

UNDER_WAY = ".rewriting.json"


def rewrite(engine: Engine, lake: Lake, hits: Hits, folder: Path) -> int:
    """Write every file with hits anew; how many files there were. The lake is locked.

    Parameters
    ----------
    folder : Path
        For files on their way.
    """
    by_place: dict[str, dict[str, Path]] = {}
    for number, (file, found) in enumerate(sorted(hits.files.items())):
        made = folder / f"{number}.parquet"
        _write(engine, file, found, made)
        by_place.setdefault(str(PurePosixPath(file).parent), {})[file] = made
    if not by_place:
        return 0
    _keep(lake, sorted(hits.files))
    for place, made_files in by_place.items():
        sizes = {PurePosixPath(file).name: made.stat().st_size for file, made in made_files.items()}
        logs = _logs(lake, place, sizes)
        for file, made in made_files.items():
            lake.store.put(file, made)
        _put(lake, logs, folder)
    _under_way(lake).unlink()
    lake.forget_listings()
    return len(hits.files)


def finish(lake: Lake) -> None:
    """Let logs tell the bytes of files that a killed process wrote anew. The lake is locked."""
    path = _under_way(lake)
    if not is_under_way(lake):
        return
    by_place: dict[str, dict[str, int]] = {}
    there = set(lake.store.every())
    for file in json.loads(path.read_text(encoding="utf-8")):
        own = PurePosixPath(file)
        if file not in there:
            continue
        by_place.setdefault(str(own.parent), {})[own.name] = lake.store.measured(file)
    for place, sizes in by_place.items():
        _put(lake, _logs(lake, place, sizes), path.parent)
    path.unlink()
    lake.forget_listings()


def is_under_way(lake: Lake) -> bool:
    """Whether a process was killed between files and their logs."""
    return _under_way(lake).exists()


def _under_way(lake: Lake) -> Path:
    return lake.store.lock.with_name(UNDER_WAY)


def _keep(lake: Lake, files: Sequence[str]) -> None:
    path = _under_way(lake)
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        json.dump(list(files), file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def _put(lake: Lake, logs: Mapping[str, bytes], folder: Path) -> None:
    for address, body in logs.items():
        path = folder / ".log-entry"
        path.write_bytes(body)
        lake.store.put(address, path)


def _write(engine: Engine, file: str, hits: Sequence[Hit], target: Path) -> None:
    source = f"read_parquet([{quoted(file)}], file_row_number=true, hive_partitioning=false)"
    columns = [
        (str(column), str(kind))
        for column, kind, *_ in engine.rows(f"DESCRIBE SELECT * FROM {source}")
        if column != "file_row_number"
    ]
    changed = sorted({column for hit in hits for column in hit.changes})
    engine.put(
        "fixes", (("place", "BIGINT"), *((column, "VARCHAR") for column in changed)),
        [
            (hit.number, *(hit.changes.get(column, hit.row[column]) for column in changed))
            for hit in hits
        ],
    )
    listed = ", ".join(
        f"CASE WHEN x.place IS NULL THEN t.{name(column)} ELSE x.{name(column)} END "
        f"AS {name(column)}" if column in changed else f"t.{name(column)}"
        for column, _ in columns
    )
    engine.execute(
        f"COPY (SELECT {listed} FROM {source} t LEFT JOIN fixes x "
        "ON x.place = t.file_row_number ORDER BY t.file_row_number) "
        f"TO {quoted(str(target))} (FORMAT parquet, COMPRESSION zstd)"
    )
    engine.drop("fixes")


def _logs(lake: Lake, place: str, sizes: Mapping[str, int]) -> dict[str, bytes]:
    """Address → the entries of a table's log that name one of the files, with its new bytes."""
    found: dict[str, bytes] = {}
    for address in lake.store.every(f"{PurePosixPath(place).name}/{LOG}"):
        if str(PurePosixPath(address).parent.parent) != place:
            continue
        if address.endswith(".parquet"):
            body = _checkpoint(lake.store.read_bytes(address), sizes)
        elif address.endswith((".json", ".cut")):
            body = _entry(lake.store.read_bytes(address), sizes)
        else:
            continue
        if body is not None:
            found[address] = body
    return found


def _entry(body: bytes, sizes: Mapping[str, int]) -> bytes | None:
    lines = []
    is_changed = False
    for line in body.decode("utf-8").splitlines():
        told = json.loads(line)
        is_changed = _resized(told, sizes) or is_changed
        lines.append(json.dumps(told, separators=(",", ":"), ensure_ascii=False))
    return "\n".join(lines).encode() + b"\n" if is_changed else None


def _checkpoint(body: bytes, sizes: Mapping[str, int]) -> bytes | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(body))
    rows = table.to_pylist()
    # A list, not any(): each row has to be looked at.
    if not any([_resized(row, sizes) for row in rows]):
        return None
    target = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), target, compression="zstd")
    return target.getvalue()


def _resized(told: Mapping[str, Any], sizes: Mapping[str, int]) -> bool:
    is_changed = False
    for action in ("add", "remove"):
        own = told.get(action)
        if own and PurePosixPath(own["path"]).name in sizes:
            own["size"] = sizes[PurePosixPath(own["path"]).name]
            is_changed = True
    return is_changed
