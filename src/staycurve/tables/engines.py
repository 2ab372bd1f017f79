"""Which engine computes: the one that the configuration names."""

from __future__ import annotations

from pathlib import Path

from staycurve.config import Config
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.engine import AnyEngine


def open_engine(config: Config, spill: Path, *, memory: str = "2GB") -> AnyEngine:
    """The engine that the configuration names, for computing.

    Parameters
    ----------
    memory : str
        What DuckDB may take; Spark's memory stands in the table [spark] of staycurve.toml.

    Raises
    ------
    EngineError
        If it cannot be had: a package or Java is missing, or the cluster is away.
    """
    if config.engine == "duckdb":
        return Engine(spill, memory=memory)
    # Importing Spark's client takes a second, so only those who chose it pay.
    from staycurve.tables.spark import SparkEngine

    return SparkEngine(config.engine, spill, options=config.spark)
