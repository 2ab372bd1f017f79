"""Which engine computes is said in staycurve.toml; what is missing for it is said in one line."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from staycurve.config import parse
from staycurve.errors import ConfigError, EngineError
from staycurve.tables import spark_session
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.engines import open_engine
from tests.company import create


@pytest.mark.parametrize(
    "engine",
    [
        "duckdb", "spark", "spark://host:7077", "spark://one:7077,two:7077", "sc://host",
        "sc://host:15002", "sc://host:443/;use_ssl=true",
    ],
)
def test_engines_that_it_takes(engine: str) -> None:
    assert parse(f'engine = "{engine}"').engine == engine


@pytest.mark.parametrize("engine", ["sparkk", "spark:/host", "spark://host", "sc://", "postgres"])
def test_other_engines_are_refused(engine: str) -> None:
    with pytest.raises(ConfigError, match="not available") as caught:
        parse(f'engine = "{engine}"')
    assert "sc://host" in caught.value.hint


@pytest.mark.parametrize(
    "text", ['"spark.executor.memory" = "4g"', 'spark.executor.memory = "4g"']
)
def test_options_are_written_with_or_without_quotes(text: str) -> None:
    config = parse(f'engine = "spark"\n[spark]\n{text}\n"spark.ui.enabled" = true')
    assert config.spark == {"spark.executor.memory": "4g", "spark.ui.enabled": "true"}
    assert config.ledger_hash == parse("").ledger_hash


@pytest.mark.parametrize("text", ['memory = "4g"', '"spark.x" = [1]'])
def test_what_spark_would_not_see_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="not an option of Spark"):
        parse(f"[spark]\n{text}")


def test_duckdb_is_the_engine_where_none_is_named(tmp_path: Path) -> None:
    with open_engine(parse(""), tmp_path) as engine:
        assert isinstance(engine, Engine)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(EngineError) as caught:
        open_engine(parse('engine = "spark"'), tmp_path)
    assert caught.value.hint == "pip install 'staycurve[spark]'"


def test_without_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("pyspark")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(spark_session, "_running", None)
    with pytest.raises(EngineError, match="no java") as caught:
        open_engine(parse('engine = "spark"'), tmp_path)
    assert "Java 17" in caught.value.hint


@pytest.mark.parametrize("engine", ["spark://127.0.0.1:1", "sc://127.0.0.1:1"])
def test_a_cluster_that_is_away(engine: str, tmp_path: Path) -> None:
    pytest.importorskip("pyspark")
    folder = tmp_path / "project"
    create(folder)
    path = folder / "staycurve.toml"
    path.write_text(f'engine = "{engine}"\n' + path.read_text())
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", "from staycurve.interfaces.cli import main; main()",
         "--project", str(folder), "refresh"],
        capture_output=True, text=True, check=False,
    )
    assert time.monotonic() - began < 25
    assert done.returncode == 1
    said, hint = done.stderr.strip().splitlines()
    assert f"{engine} does not answer" in said
    assert "duckdb" in hint


def test_an_option_of_the_server_is_not_the_clients(tmp_path: Path) -> None:
    pytest.importorskip("pyspark")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        text = f'engine = "sc://127.0.0.1:{port}"\n[spark]\n"spark.executor.memory" = "1g"'
        with pytest.raises(EngineError, match="server's own option"):
            open_engine(parse(text), tmp_path)
