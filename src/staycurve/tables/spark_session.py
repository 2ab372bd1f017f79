"""Sessions of Spark: in this process, on a cluster, or behind Spark Connect.

A cluster that is away, a missing package and a missing Java each give one line, and quickly.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from staycurve.errors import EngineError
from staycurve.tables.spark_errors import explained

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

REACH_SECONDS = 5.0
"""A cluster that does not take a connection within this time is away."""

CONNECT_PORT = 15002

OWN_OPTIONS = {
    "spark.staycurve.files": "file://",
    "spark.staycurve.wait": "60",
}
"""Options that Spark does not know: what stands before a path of this machine when the cluster is
given it, and for how many seconds a cluster may have nobody to work before it is given up."""

SQL_OPTIONS = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.caseSensitive": "false",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.writeLegacyFormat": "false",
}
"""What the same rows on every engine rest on; staycurve.toml cannot change it."""


@dataclass
class _Running:
    """The one Spark application that this process drives, and the engines that use it."""

    url: str
    options: Mapping[str, str]
    session: SparkSession
    watch: _Watch | None
    users: set[int] = field(default_factory=set)


_lock = threading.RLock()
_running: _Running | None = None


def open_session(url: str, options: Mapping[str, str], *, user: int) -> SparkSession:
    """A session with temporary views of its own.

    Parameters
    ----------
    url : str
        `spark`, `spark://host:port` or `sc://host:port`.
    options : mapping
        Spark's own, such as `spark.executor.memory`.
    user : int
        Who will give it back with `close_session`.

    Raises
    ------
    EngineError
        If there is no pyspark or no Java, or the cluster does not answer.
    """
    try:
        import pyspark  # noqa: F401
    except ImportError:
        raise _missing_package() from None
    if url.startswith("sc://"):
        return _connected(url, options)
    with _lock:
        running = _application(url, options)
        running.users.add(user)
        return running.session.newSession()


def close_session(url: str, session: SparkSession, *, user: int) -> None:
    """Give a session back; the application goes on until another one is asked for."""
    if url.startswith("sc://"):
        with contextlib.suppress(Exception):
            session.stop()
        return
    with _lock:
        if _running is not None:
            _running.users.discard(user)


def stop() -> None:
    """End the Spark application of this process, if there is one."""
    global _running
    with _lock:
        if _running is None:
            return
        ended, _running = _running, None
        if ended.watch is not None:
            ended.watch.stop()
        with contextlib.suppress(Exception):
            ended.session.stop()


def _missing_package() -> EngineError:
    return EngineError(
        "The engine Spark needs the package pyspark, which is not installed.",
        hint="pip install 'staycurve[spark]'",
    )


def _application(url: str, options: Mapping[str, str]) -> _Running:
    global _running
    wanted = dict(options)
    if _running is not None and (_running.url, _running.options) != (url, wanted):
        if _running.users:
            raise EngineError(
                f"This process computes with {_running.url} already, and {url} was asked for.",
                hint="Use one engine, with one set of options, in a process.",
            )
        stop()
    if _running is None:
        if url == "spark":
            session = _started(_local_options(wanted), is_here=True)
        else:
            _reach(url)
            session = _started({"spark.master": url, **wanted})
        wait = float(wanted.get("spark.staycurve.wait", OWN_OPTIONS["spark.staycurve.wait"]))
        watch = None if url == "spark" else _Watch(session.sparkContext, wait)
        _running = _Running(url, wanted, session, watch)
    return _running


def _local_options(options: Mapping[str, str]) -> dict[str, str]:
    cores = os.cpu_count() or 1
    return {
        "spark.master": "local[*]",
        "spark.driver.memory": "2g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": str(4 * cores),
        **options,
    }


def _started(options: Mapping[str, str], *, is_here: bool = False) -> SparkSession:
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkRuntimeError
    from pyspark.java_gateway import launch_gateway

    if not _has_java():
        raise EngineError(
            "The engine Spark needs Java, and there is no java on this machine.",
            hint="Install Java 17 or 21, such as: apt-get install openjdk-17-jre-headless",
        )
    folder = Path(tempfile.mkdtemp(prefix="staycurve-spark-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    conf = SparkConf()
    for key, value in {
        "spark.app.name": "staycurve",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        # Without its pages nobody looks at former statements, and their plans are large.
        "spark.sql.ui.retainedExecutions": "1",
        "spark.sql.maxPlanStringLength": "10000",
        "spark.ui.retainedJobs": "10",
        "spark.ui.retainedStages": "10",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        # Other machines may not have this folder.
        **({"spark.local.dir": str(folder / "local")} if is_here else {}),
        **options,
        **SQL_OPTIONS,
    }.items():
        conf.set(key, value)
    try:
        with _quiet(), (folder / "log").open("wb") as log:
            if SparkContext._gateway is None:
                # Java writes what it does to a file: standard error holds our one line.
                launch: Any = launch_gateway
                gateway = launch(conf, {"stdout": log, "stderr": subprocess.STDOUT})
                SparkContext._ensure_initialized(gateway=gateway)
            context = SparkContext(conf=conf)
            from pyspark.sql import SparkSession

            return SparkSession(context)
    except PySparkRuntimeError as error:
        told = _last_line(folder / "log")
        raise EngineError(
            f"Spark did not start{': ' + told if told else '.'}",
            hint="It needs Java 17 or 21; JAVA_HOME says where, if there are several.",
        ) from error
    except Exception as error:
        raise explained(error, options.get("spark.master", "")) from error


def _has_java() -> bool:
    home = os.environ.get("JAVA_HOME")
    if home and os.access(Path(home) / "bin" / "java", os.X_OK):
        return True
    return shutil.which("java") is not None


def _last_line(log: Path) -> str:
    with contextlib.suppress(OSError):
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1].strip()[:200] if lines else ""
    return ""


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    # pyspark warns of versions of pandas, which nothing here asks it to use.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _connected(url: str, options: Mapping[str, str]) -> SparkSession:
    _reach(url)
    try:
        with _quiet():
            from pyspark.sql.connect.client.retries import DefaultPolicy
            from pyspark.sql.connect.session import SparkSession as RemoteSession
    except ImportError:
        raise _missing_package() from None
    wanted = {k: v for k, v in options.items() if k not in OWN_OPTIONS}
    server = sorted(key for key in wanted if not key.startswith("spark.sql."))
    if server:
        raise EngineError(
            f"{server[0]} cannot be set through Spark Connect: it is the server's own option.",
            hint="Set it where the server is started, and take it out of [spark].",
        )
    try:
        # It has the same methods as the session of an application in this process.
        session: Any = RemoteSession(connection=url)
        session.client.set_retry_policies([DefaultPolicy(max_retries=4, max_backoff=2000)])
        for key, value in {**wanted, **SQL_OPTIONS}.items():
            session.conf.set(key, value)
    except Exception as error:
        raise explained(error, url) from error
    return cast("SparkSession", session)


def _reach(url: str) -> None:
    """Raise unless one of the addresses in `url` takes a connection."""
    scheme, _, rest = url.partition("://")
    addresses = rest.split("/")[0].split(";")[0]
    reason = ""
    for address in addresses.split(","):
        host, _, port = address.partition(":")
        try:
            found = (host, int(port or CONNECT_PORT))
            socket.create_connection(found, timeout=REACH_SECONDS).close()
        except OSError as error:
            reason = error.strerror or str(error)
        else:
            return
    raise EngineError(
        f"The Spark cluster {scheme}://{addresses} does not answer: {reason}.",
        hint='Start it, fix engine in staycurve.toml, or compute here: engine = "duckdb"',
    )


class _Watch:
    """Cancels what waits on a cluster that has nobody to work.

    Spark itself would wait for ever.
    """

    STEP = 2.0

    def __init__(self, context: Any, wait: float) -> None:
        self.context = context
        self.wait = wait
        self._end = threading.Event()
        threading.Thread(target=self._run, name="staycurve-spark-watch", daemon=True).start()

    def stop(self) -> None:
        """Watch no more."""
        self._end.set()

    def _run(self) -> None:
        alone = 0.0
        while not self._end.wait(self.STEP):
            try:
                is_alone = self._is_waiting() and self._workers() == 0
                alone = alone + self.STEP if is_alone else 0.0
                if alone >= self.wait:
                    self.context.cancelAllJobs()
                    alone = 0.0
            except Exception:
                # Java is gone; who computes hears of it.
                return

    def _is_waiting(self) -> bool:
        return bool(self.context.statusTracker().getActiveJobsIds())

    def _workers(self) -> int:
        # The driver keeps blocks too, so it is in the list.
        return int(self.context._jsc.sc().getExecutorMemoryStatus().size()) - 1


def bury() -> None:
    """Forget the application of this process if it is dead, and not one that came after it."""
    with _lock:
        try:
            context: Any = None if _running is None else _running.session.sparkContext
            is_dead = context is not None and context._jsc.sc().isStopped()
        except Exception:
            is_dead = True
        if is_dead:
            stop()
        if is_dead or _running is None:
            _forget_java()


def _forget_java() -> None:
    """Let the next application start a Java of its own where this one's has died."""
    from pyspark import SparkContext

    gateway: Any = SparkContext._gateway
    process = getattr(gateway, "proc", None)
    if process is None or process.poll() is None:
        return
    with contextlib.suppress(Exception):
        gateway.shutdown()
    SparkContext._gateway = None
    SparkContext._jvm = None
    SparkContext._active_spark_context = None
