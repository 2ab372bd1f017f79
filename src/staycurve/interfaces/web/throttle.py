"""Throttle: how often somebody may try a password, and how many are checked at once."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from staycurve.errors import StaycurveError

T = TypeVar("T")

WINDOW = 300.0
"""Seconds in which failures are counted."""
OF_BOTH, OF_PLACE, OF_NAME = 5, 30, 100
"""Failures in a window, after which one waits: for an address of e-mail from one place, from one
place, and for an address of e-mail from anywhere. The last is high: who tries must not be able to
keep somebody else out."""
WAITING = 8
"""Passwords that wait to be checked; one takes about a tenth of a second."""
_MOST = 20_000


class ThrottledError(StaycurveError):
    """Too many passwords were tried.

    Attributes
    ----------
    after : int
        Seconds to wait.
    """

    code = "throttled"

    def __init__(self, after: float) -> None:
        self.after = max(1, math.ceil(after))
        minutes = -(-self.after // 60)
        wait = f"{minutes} minutes" if minutes > 1 else f"{self.after} seconds"
        super().__init__("Too many attempts to log in.", hint=f"Try again in {wait}.")


class Throttle:
    """Counts failures, and checks passwords one after the other beside what serves pages.

    Parameters
    ----------
    clock : callable
        Seconds, growing.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()
        self._lock = threading.Lock()
        self._waiting = 0
        self._thread = ThreadPoolExecutor(
            1, thread_name_prefix="passwords", initializer=_step_back
        )

    def check(self, name: str, place: str) -> None:
        """Refuse who has failed too often.

        Raises
        ------
        ThrottledError
            Which says how long to wait.
        """
        now = self._clock()
        with self._lock:
            for key, most in self._keys(name, place):
                times = self._failed.get(key)
                while times and times[0] <= now - WINDOW:
                    times.popleft()
                if times and len(times) >= most:
                    raise ThrottledError(times[-most] + WINDOW - now)

    def failed(self, name: str, place: str) -> None:
        """Count a failure."""
        now = self._clock()
        with self._lock:
            for key, most in self._keys(name, place):
                self._failed.setdefault(key, deque(maxlen=most)).append(now)
                self._failed.move_to_end(key)
            while len(self._failed) > _MOST:
                self._failed.popitem(last=False)

    def forgive(self, name: str, place: str) -> None:
        """Forget the failures of somebody who has come in."""
        with self._lock:
            self._failed.pop((name, place), None)

    def check_waiting(self) -> None:
        """Refuse where too many wait already.

        Raises
        ------
        ThrottledError
            Which says how long to wait.
        """
        if self._waiting >= WAITING:
            raise ThrottledError(1)

    async def beside(self, work: Callable[[], T]) -> T:
        """What `work` gives, which takes a processor for a while.

        Raises
        ------
        ThrottledError
            If too many wait already.
        """
        self.check_waiting()
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1

    def _keys(self, name: str, place: str) -> tuple[tuple[tuple[str, str], int], ...]:
        of_place = (("", place), OF_PLACE)
        if not name:
            return (of_place,)
        return ((name, place), OF_BOTH), of_place, ((name, ""), OF_NAME)


class Doorstep:
    """Refuses a password that would not be tried, before its form is read or a route looked for.

    Who tries hundreds a second is answered at a tenth of what a page costs.

    Parameters
    ----------
    page : callable
        What people are told.
    """

    def __init__(
        self, app: ASGIApp, throttle: Throttle, page: Callable[[ThrottledError], Response]
    ) -> None:
        self.app = app
        self.throttle = throttle
        self.page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"] == "/login":
            client = scope.get("client")
            try:
                self.throttle.check("", client[0] if client else "")
                self.throttle.check_waiting()
            except ThrottledError as error:
                # By its address what passes here is counted.
                scope["endpoint"] = self
                await self.page(error)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _step_back() -> None:
    # Pages come first; where the system knows no priority of a thread, nothing is lost.
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)
