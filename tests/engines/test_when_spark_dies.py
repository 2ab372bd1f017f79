"""Spark goes away in the middle of a refresh: the lake is as before, and one line says so."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from staycurve.errors import EngineError
from staycurve.tables import spark_session, writing
from tests.engines.beside import (
    FULL,
    Spark,
    derived,
    load_only,
    loaded,
    random_settings,
    random_tables,
)


def kill_java() -> None:
    """End the Java that computes for this process."""
    from pyspark import SparkContext

    process = SparkContext._gateway.proc
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=20)


@contextmanager
def before_commit(patch: pytest.MonkeyPatch, number: int, what: object) -> Iterator[None]:
    """Do something before the commit of this number."""
    plain, calls = writing.Writing._commit, 0

    def commit(*args: object, **words: object) -> None:
        nonlocal calls
        calls += 1
        if calls == number:
            what()  # type: ignore[operator]
        plain(*args, **words)  # type: ignore[arg-type]

    with patch.context() as patched:
        patched.setattr(writing.Writing, "_commit", commit)
        yield


def test_java_dies_and_comes_back(
    spark: Spark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = random_tables(4, 8)
    here = loaded(tmp_path / "project", tables, random_settings(3))
    with here:
        here.refresh()
        before, seq = derived(here), here.snapshot.seq
        load_only(here, {"subscriptions": [
            {**row, "unit_amount": "55", "amount": ""} for row in tables["subscriptions"][:9]
        ]})
        parquet = set((tmp_path / "project" / "lake").rglob("*.parquet"))
        asked = {"start": "2024-02", "end": "2024-03"}
        with spark.of(here) as there:
            rows = there.show("mrr", **asked).rows
            with (
                before_commit(monkeypatch, 2, kill_java),
                pytest.raises(EngineError) as caught,
            ):
                there.refresh(is_full=True)
            # Who had a session of the Java that died is told once, and goes on with another one.
            with pytest.raises(EngineError, match="stopped in the middle"):
                there.show("mrr", **asked)
            assert there.show("mrr", **asked).rows == rows
        assert "stopped in the middle" in caught.value.message
        assert "\n" not in caught.value.message
        assert here.snapshot.seq == seq + 1
        assert derived(here)["mrr_items"] == before["mrr_items"]
        assert set((tmp_path / "project" / "lake").rglob("*.parquet")) == parquet
        with spark.of(here) as there:
            there.refresh(is_full=True)
        after = derived(here)
        assert after["mrr_items"] != before["mrr_items"]
        here.refresh(is_full=True)
        assert derived(here) == after


def _started(role: str, *words: str) -> subprocess.Popen[bytes]:
    import pyspark

    home = Path(pyspark.__file__).parent
    command = [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{role}", *words]
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=20)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not FULL, reason="starts a cluster of its own; see: make test-spark")
def test_a_cluster_loses_its_workers(
    spark: Spark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spark_session.stop()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    url = f"spark://127.0.0.1:{port}"
    master = _started(
        "master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"
    )
    workers: list[subprocess.Popen[bytes]] = []
    try:
        deadline = time.monotonic() + 60
        while not _answers(port) and time.monotonic() < deadline:
            time.sleep(0.2)
        words = ("--host", "127.0.0.1", "--webui-port", "0", "-c", "2", "-m", "1g",
                 "-d", str(tmp_path / "work"), url)
        workers.append(_started("worker.Worker", *words))
        options = {
            "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
            "spark.executor.memory": "600m", "spark.staycurve.wait": "30",
            "spark.sql.shuffle.partitions": "2",
        }
        cluster = Spark(url, options)
        here = loaded(tmp_path / "project", random_tables(4, 8), random_settings(3))
        with here, cluster.of(here) as there:
            there.refresh()
            after = derived(here)
            seq = here.snapshot.seq
            with (
                before_commit(monkeypatch, 2, lambda: _end(workers.pop())),
                pytest.raises(EngineError, match="no worker that is free"),
            ):
                there.refresh(is_full=True)
            assert here.snapshot.seq == seq
            workers.append(_started("worker.Worker", *words))
            there.refresh(is_full=True)
            assert derived(here) == after
    finally:
        spark_session.stop()
        for process in (*workers, master):
            _end(process)
