"""Writes the example company as Parquet files whose columns are those of the conformed tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from staycurve.demo.clock import END

MONEY: Final = pa.decimal128(18, 6)
RATE: Final = pa.decimal128(18, 10)
INSTANT: Final = pa.timestamp("us", tz="UTC")
_CENT: Final = Decimal("0.01")


def texts(values: Iterable[str | None]) -> Any:
    """A column of text."""
    return pa.array(list(values), pa.string())


def words(positions: npt.NDArray[np.int64], names: Sequence[str | None]) -> Any:
    """A column of text that repeats few values, given by their positions."""
    column = pa.DictionaryArray.from_arrays(pa.array(positions), pa.array(names, pa.string()))
    return column.cast(pa.string())


def instants(values: Iterable[int | None]) -> Any:
    """A column of instants; None and 0 are empty, and what lies after the history is unknown."""
    kept = [v * 1_000_000 if v and v < END else None for v in values]
    return pa.array(kept, pa.int64()).cast(INSTANT)


def future_instants(values: Iterable[int | None]) -> Any:
    """A column of planned instants, which may lie after the history."""
    return pa.array([None if v is None else v * 1_000_000 for v in values], pa.int64()).cast(
        INSTANT
    )


def all_instants(values: npt.NDArray[np.int64]) -> Any:
    """A column of instants without empty ones."""
    return pa.array(values * 1_000_000).cast(INSTANT)


def money(hundredths: Iterable[int | None]) -> Any:
    """A column of money in major units, from hundredths of them."""
    return pa.array([None if v is None else v * _CENT for v in hundredths], MONEY)


def rates(values: Iterable[float]) -> Any:
    """A column of exchange rates with eight decimals."""
    return pa.array([Decimal(f"{v:.8f}") for v in values], RATE)


def integers(values: Iterable[int | None]) -> Any:
    """A column of whole numbers."""
    return pa.array(list(values), pa.int64())


def flags(values: Iterable[bool | None]) -> Any:
    """A column of true and false."""
    return pa.array(list(values), pa.bool_())


def days(values: Iterable[date]) -> Any:
    """A column of days."""
    return pa.array(list(values), pa.date32())


def numbered(prefix: str, count: int) -> Any:
    """Keys `prefix` + number, in order."""
    return pa.array([f"{prefix}{n:07d}" for n in range(1, count + 1)], pa.string())


def write(folder: Path, table: str, columns: dict[str, Any]) -> int:
    """Write `table`.parquet into the folder; the number of rows."""
    data = pa.table(columns)
    pq.write_table(data, folder / f"{table}.parquet", compression="zstd")
    return int(data.num_rows)
