"""A small memory of answers, oldest forgotten first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, InvalidStateError
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from staycurve.errors import ClientGoneError, StaycurveError
from staycurve.workspace import asking
from staycurve.workspace.asking import Asking

T = TypeVar("T")


@dataclass(eq=False)
class _Making(Generic[T]):
    """An answer that one thread makes.

    Attributes
    ----------
    by : Asking, optional
        The request that makes it.
    waiting : list of Future
        One for each other thread that waits for it.
    """

    by: Asking | None
    waiting: list[Future[T]] = field(default_factory=list)


class Cache(Generic[T]):
    """Remembers the `size` answers used last; one thread makes an answer, others wait for it.

    Who waits gets the error too, if there is one; it is not kept. A request whose client goes away
    goes on making what others wait for, and waits no longer itself.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._making: dict[Hashable, _Making[T]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The answer kept under `key`, made where there is none."""
        asked = asking.current()
        while True:
            own: Future[T] = Future()
            with self._lock:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    return self._kept[key]
                making = self._making.get(key)
                if making is None:
                    making = self._making[key] = _Making(asked)
                    break
                making.waiting.append(own)
            try:
                return self._waited_for(making, own, asked)
            except ClientGoneError:
                # It was stopped for want of anybody who waits, just before this one came.
                if asked is not None and asked.is_unwanted():
                    raise
        return self._made(key, making, make)

    def _made(self, key: Hashable, making: _Making[T], make: Callable[[], T]) -> T:
        by = making.by
        try:
            with by.shared(lambda: bool(making.waiting)) if by else nullcontext():
                made = make()
        except BaseException as error:
            with self._lock:
                del self._making[key]
                waiting = list(making.waiting)
            for one in waiting:
                # Who leaves at the same time has told itself already.
                with suppress(InvalidStateError):
                    one.set_exception(error)
            raise
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > self.size:
                self._kept.popitem(last=False)
            del self._making[key]
            waiting = list(making.waiting)
        for one in waiting:
            with suppress(InvalidStateError):
                one.set_result(made)
        return made

    def _waited_for(self, making: _Making[T], own: Future[T], asked: Asking | None) -> T:
        def leave(reason: StaycurveError) -> None:
            with suppress(InvalidStateError):
                own.set_exception(reason)

        try:
            with asked.stopped_by(leave) if asked else nullcontext():
                return own.result(asked.left() if asked else None)
        except TimeoutError:
            if asked is None:
                raise
            raise asked.too_slow() from None
        finally:
            with self._lock:
                if own in making.waiting:
                    making.waiting.remove(own)
            if making.by is not None:
                making.by.stop_unwanted()

