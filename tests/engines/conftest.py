"""Spark for the tests of this folder: one Java for all of them, skipped with the reason if none."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator

import pytest

from tests.engines.beside import Spark


def _reason() -> str:
    try:
        import pyspark  # noqa: F401
    except ImportError:
        return "Spark is not tested: pyspark is not installed (pip install 'staycurve[spark]')"
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        return "Spark is not tested: this machine has no java (17 or 21)"
    return ""


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="session")
def spark() -> Iterator[Spark]:
    """Spark in this process, and a Spark Connect server beside it in the same Java.

    On a few rows Spark spends its time compiling statements, so nothing is compiled here;
    tests of test_elsewhere run Spark as it ships.
    """
    reason = _reason()
    if reason:
        pytest.skip(reason)
    from staycurve.tables import spark_session

    port = _free_port()
    options = {
        "spark.master": "local[2]",
        "spark.driver.memory": "1g",
        "spark.sql.shuffle.partitions": "2",
        "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
        "spark.connect.grpc.binding.port": str(port),
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }
    yield Spark("spark", options, port)
    spark_session.stop()
