"""One snapshot and one time limit for each request."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from staycurve.workspace import asking

HEALTH = ("/healthz", "/readyz")


class OneRequest:
    """Lets a request see one snapshot from start to end, for at most `seconds`."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in HEALTH:
            await self.app(scope, receive, send)
            return
        # Worker threads run in a copy of this context.
        with asking.asking(self.seconds):
            await self.app(scope, receive, send)
