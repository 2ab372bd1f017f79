"""What holds for one request: the snapshot that it sees, and when its time is up."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from staycurve.errors import TooSlowError, UsageError
from staycurve.tables.engine import Engine
from staycurve.tables.pointer import Snapshot


@dataclass
class Asking:
    """One request.

    Attributes
    ----------
    seconds : float, optional
        Its time limit.
    ends : float, optional
        When its time is up, on the monotonic clock.
    seen : dict
        Project (by identity) → the snapshot that the request first saw of it.
    """

    seconds: float | None = None
    ends: float | None = None
    seen: dict[int, Snapshot] = field(default_factory=dict)

    def left(self) -> float | None:
        """Seconds left; None without a limit."""
        return None if self.ends is None else max(0.0, self.ends - time.monotonic())

    def too_slow(self) -> TooSlowError:
        """What a request is answered whose time is up."""
        return TooSlowError(
            f"The answer took longer than {self.seconds:g} s and was stopped.",
            hint="Ask for a narrower range or a coarser grain, or raise STAYCURVE_TIME_LIMIT.",
        )


_asking: ContextVar[Asking | None] = ContextVar("asking", default=None)


def current() -> Asking | None:
    """The request that this thread works for, if it works for one."""
    return _asking.get()


@contextmanager
def asking(seconds: float | None = None) -> Iterator[Asking]:
    """One request: one snapshot from start to end, and at most `seconds`."""
    ends = None if seconds is None else time.monotonic() + seconds
    asked = Asking(seconds, ends)
    token = _asking.set(asked)
    try:
        yield asked
    finally:
        _asking.reset(token)


@contextmanager
def watched(engine: object) -> Iterator[None]:
    """Stop `engine` when the time of the request is up; it is whole again afterwards."""
    asked = current()
    left = asked.left() if asked else None
    if asked is None or left is None or not isinstance(engine, Engine):
        yield
        return
    guard, is_over = threading.Lock(), False

    def stop() -> None:
        # Never after the engine was given back: another request may have it by then.
        with guard:
            if not is_over:
                engine.stop(asked.too_slow())

    timer = threading.Timer(left, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with guard:
            is_over = True
        timer.cancel()
        engine.resume()


@contextmanager
def holding(lock: threading.Lock) -> Iterator[None]:
    """Hold `lock`; waiting for it counts as the request's time."""
    asked = current()
    left = asked.left() if asked else None
    if asked is None or left is None:
        lock.acquire()
    elif not lock.acquire(timeout=left):
        raise asked.too_slow()
    try:
        yield
    finally:
        lock.release()


def number_of(variable: str, default: float) -> float:
    """A positive number from the environment."""
    text = os.environ.get(variable, "")
    if not text:
        return default
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not found > 0:
        raise UsageError(f"{variable} is '{text}'.", hint="Set it to a number above 0.")
    return found
