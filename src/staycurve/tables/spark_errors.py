"""What Spark says when it fails, as one line and a hint."""

from __future__ import annotations

from staycurve.errors import EngineError, LakeError, StaycurveError


def explained(error: Exception, url: str) -> StaycurveError:
    """What stopped Spark, as one of our errors; `is_gone` is in its fields where nobody answers."""
    from pyspark.errors import PySparkException

    if isinstance(error, StaycurveError):
        return error
    text = str(error)
    where = url.split("/;")[0]
    if "No space left on device" in text:
        return LakeError(
            "The disk is full. Nothing was changed.", hint="Free some space and run it again."
        )
    if "OutOfMemoryError" in text or "Java heap space" in text:
        return EngineError(
            "The memory that Spark may use was not enough. Nothing was changed.",
            hint='Give it more in [spark] of staycurve.toml: "spark.executor.memory" = "8g" '
            '(or "spark.driver.memory", where it runs in this process).',
        )
    if "cancelled as part of cancellation of all jobs" in text:
        return EngineError(
            f"The Spark cluster {where} has no worker that is free. Nothing was changed.",
            hint="Start workers, or ask for less in [spark]: spark.executor.memory, "
            "spark.executor.cores, spark.cores.max.",
        )
    if _is_gone(error):
        return EngineError(
            f"Spark ({where}) stopped in the middle of its work. Nothing was changed.",
            hint="See its own log for the reason, and run it again.",
            is_gone=True,
        )
    first = text.strip().splitlines()[0][:300] if text.strip() else type(error).__name__
    if isinstance(error, PySparkException) or "Py4J" in type(error).__name__:
        return EngineError(
            f"Spark could not do its work: {first}",
            hint='Nothing was changed. Run it again; if it stays: engine = "duckdb"',
        )
    raise error


_GONE = (
    "Connection refused", "Connection reset", "UNAVAILABLE", "Answer from Java side is empty",
    "SparkContext was shut down", "Cannot call methods on a stopped SparkContext",
    "An error occurred while trying to connect to the Java server", "SparkContext has been",
    "All masters are unresponsive", "RETRIES_EXCEEDED", "INVALID_HANDLE",
)


def _is_gone(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ConnectionError | EOFError) or any(w in str(error) for w in _GONE):
            return True
        if type(error).__name__ == "Py4JNetworkError":
            return True
        error = error.__cause__ or error.__context__
    return False
