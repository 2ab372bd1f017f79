"""Readers: a small pool of connections, so that one question does not wait for another."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from staycurve.errors import StaycurveError
from staycurve.period import AsOf
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.engine import AnyEngine
from staycurve.workspace import asking


@dataclass(eq=False)
class Reader:
    """One connection, and what its relations were made of.

    Attributes
    ----------
    seq : int, optional
        The snapshot whose tables it names.
    visits_of : tuple
        What the lifecycle's visits were put off for.
    cut : AsOf, optional
        The instant at which its tables are cut now.
    """

    engine: AnyEngine
    seq: int | None = None
    visits_of: tuple[object, ...] = ()
    cut: AsOf | None = None


def default_size() -> int:
    """Readers of one project: a core each, between 2 and 8, or STAYCURVE_READERS."""
    return int(max(1, asking.number_of("STAYCURVE_READERS", min(max(os.cpu_count() or 1, 2), 8))))


class Readers:
    """At most `size` readers over one database, the one used last taken first.

    An engine whose connections cannot share a database has one reader.
    """

    def __init__(self, open_first: Callable[[], AnyEngine], *, size: int | None = None) -> None:
        self._open_first = open_first
        self.size = size or default_size()
        self._all: list[Reader] = []
        self._idle: list[Reader] = []
        self._changed = threading.Condition()
        self._own = threading.local()

    def current(self) -> Reader | None:
        """The reader that this thread holds."""
        found: Reader | None = getattr(self._own, "reader", None)
        return found

    @contextmanager
    def one(self) -> Iterator[Reader]:
        """A reader for this thread alone; inside another `one`, the same."""
        held = self.current()
        if held is not None:
            yield held
            return
        reader = self._take()
        self._own.reader = reader
        try:
            with asking.watched(reader.engine):
                yield reader
        finally:
            self._own.reader = None
            with self._changed:
                self._idle.append(reader)
                self._changed.notify()

    def _take(self) -> Reader:
        asked = asking.current()
        if asked is None:
            return self._waited_for(None)
        with asked.stopped_by(self._look_again):
            return self._waited_for(asked)

    def _look_again(self, _reason: StaycurveError) -> None:
        with self._changed:
            self._changed.notify_all()

    def _waited_for(self, asked: asking.Asking | None) -> Reader:
        with self._changed:
            while not self._idle and not self._can_grow():
                left = asked.left() if asked else None
                if not self._changed.wait(left) and asked is not None:
                    raise asked.too_slow()
                if asked is not None and asked.is_unwanted():
                    # Who was woken in its stead must hear of a reader that came free.
                    self._changed.notify()
                    raise asking.nobody_waits()
            if self._idle:
                return self._idle.pop()
            first = self._all[0].engine if self._all else None
            engine = first.beside() if isinstance(first, Engine) else self._open_first()
            reader = Reader(engine)
            self._all.append(reader)
            return reader

    def _can_grow(self) -> bool:
        if not self._all:
            return True
        return isinstance(self._all[0].engine, Engine) and len(self._all) < self.size

    def close(self) -> None:
        """Give back memory and spill files; no reader may be held."""
        with self._changed:
            for reader in reversed(self._all):
                reader.engine.close()
            self._all, self._idle = [], []
