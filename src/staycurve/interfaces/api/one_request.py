"""One snapshot and one time limit for each request, and an end to it when its client goes away."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from staycurve.workspace import asking

HEALTH = ("/healthz", "/readyz")


class OneRequest:
    """Lets a request see one snapshot from start to end, for at most `seconds`.

    A question whose client goes away is stopped. What changes something goes on to its end.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in HEALTH:
            await self.app(scope, receive, send)
            return
        # Worker threads run in a copy of this context.
        with asking.asking(self.seconds) as asked:
            if scope["method"] != "GET":
                await self.app(scope, receive, send)
                return
            gone = asyncio.Event()
            watcher = asyncio.create_task(_watch(receive, asked, gone))
            try:
                await self.app(scope, _bodiless(gone), send)
            finally:
                watcher.cancel()
                await asyncio.wait([watcher])


async def _watch(receive: Receive, asked: asking.Asking, gone: asyncio.Event) -> None:
    """Wait for the client to go away; the body of a question says nothing."""
    while (await receive())["type"] != "http.disconnect":
        pass
    asked.leave()
    gone.set()


def _bodiless(gone: asyncio.Event) -> Receive:
    """What the application receives instead: an empty body, then the end of the connection."""
    has_begun = False

    async def receive() -> Message:
        nonlocal has_begun
        if not has_begun:
            has_begun = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    return receive
