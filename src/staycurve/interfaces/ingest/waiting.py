"""Waiting: requests that wait for a commit are woken together, once a commit."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Future

_Ended = deque[tuple[asyncio.Future[None], Future[None]]]


class Waiting:
    """Lets coroutines wait for futures that another thread ends.

    `asyncio.wrap_future` wakes the loop for each, which is a system call for every request; a
    commit ends many at once.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: _Ended = deque()

    async def until(self, done: Future[None]) -> None:
        """Wait until it is done.

        Raises
        ------
        Exception
            What it failed with.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._ended = loop, deque()
        ended, own = self._ended, loop.create_future()

        def tell(_: Future[None]) -> None:
            # First in, then looked at: what finds others there is woken with them, and what was
            # taken out meanwhile needs no waking.
            ended.append((own, done))
            if len(ended) == 1 and not loop.is_closed():
                loop.call_soon_threadsafe(_wake, ended)

        done.add_done_callback(tell)
        await own


def _wake(ended: _Ended) -> None:
    while ended:
        own, done = ended.popleft()
        if own.done():
            # Who waited has gone.
            continue
        error = done.exception()
        if error is None:
            own.set_result(None)
        else:
            own.set_exception(error)
