"""What holds for one request: the snapshot that it sees, and when nobody waits for it any more."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from staycurve.errors import ClientGoneError, StaycurveError, TooSlowError, UsageError
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.pointer import Snapshot

AGAIN = 0.2
"""Seconds after which an engine that was told to stop is told again."""

Stop = Callable[[StaycurveError], None]


@dataclass(eq=False)
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
    has_left : bool
        Whether its client has gone away.
    """

    seconds: float | None = None
    ends: float | None = None
    seen: dict[int, Snapshot] = field(default_factory=dict)
    has_left: bool = False
    _stops: list[Stop] = field(default_factory=list)
    _shared: list[Callable[[], bool]] = field(default_factory=list)

    def left(self) -> float | None:
        """Seconds left; None without a limit."""
        return None if self.ends is None else max(0.0, self.ends - time.monotonic())

    def too_slow(self) -> TooSlowError:
        """What a request is answered whose time is up."""
        return TooSlowError(
            f"The answer took longer than {self.seconds:g} s and was stopped.",
            hint="Ask for a narrower range or a coarser grain, or raise STAYCURVE_TIME_LIMIT.",
        )

    def leave(self) -> None:
        """Its client has gone away: stop what computes for it, unless others wait for that too."""
        self.has_left = True
        self.stop_unwanted()

    def is_unwanted(self) -> bool:
        """Whether nobody waits any more for what this request computes."""
        return self.has_left and not any(has_others() for has_others in list(self._shared))

    def stop_unwanted(self) -> None:
        """Stop what nobody waits for; who waited for another request calls it when leaving."""
        if self.is_unwanted():
            for stop in list(self._stops):
                stop(nobody_waits())

    @contextmanager
    def stopped_by(self, stop: Stop) -> Iterator[None]:
        """Have `stop` called, from another thread, when nobody waits any more.

        Raises
        ------
        ClientGoneError
            If nobody waits already.
        """
        # No lock is held while others are called: lists change in one step each, and what is
        # added before looking is seen by who leaves before looking.
        self._stops.append(stop)
        try:
            if self.is_unwanted():
                raise nobody_waits()
            yield
        finally:
            self._stops.remove(stop)

    @contextmanager
    def shared(self, has_others: Callable[[], bool]) -> Iterator[None]:
        """Others may wait for what is computed meanwhile; `has_others` tells whether they do."""
        self._shared.append(has_others)
        try:
            yield
        finally:
            self._shared.remove(has_others)


def nobody_waits() -> ClientGoneError:
    """What ends a computation whose client has gone away."""
    return ClientGoneError(
        "Nobody waits for the answer any more: it was stopped.", hint="Ask again."
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
    """Stop `engine` when the time of the request is up or nobody waits for it any more.

    It is whole again afterwards.
    """
    asked = current()
    if asked is None or not isinstance(engine, Engine):
        yield
        return
    guard, is_over = threading.Lock(), False
    timers: list[threading.Timer] = []

    def stop(reason: StaycurveError) -> None:
        # Never after the engine was given back: another request may have it by then.
        with guard:
            if not is_over:
                engine.stop(reason)
                # What came between two statements interrupted neither.
                call(AGAIN, reason)

    def call(seconds: float, reason: StaycurveError) -> None:
        timer = threading.Timer(seconds, stop, (reason,))
        timer.daemon = True
        timers.append(timer)
        timer.start()

    left = asked.left()
    try:
        with asked.stopped_by(stop):
            if left is not None:
                call(left, asked.too_slow())
            yield
    finally:
        with guard:
            is_over = True
        for timer in timers:
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
