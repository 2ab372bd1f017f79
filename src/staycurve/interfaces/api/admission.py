"""Admission: finds out who asks, and lets in who may; before anything is read or computed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from staycurve import personal
from staycurve.errors import NotSignedInError, StaycurveError
from staycurve.interfaces.access import CURRENT, EVERYBODY, NOBODY, VISITOR, Visitor, is_open
from staycurve.interfaces.api import errors
from staycurve.permissions import ROLES, Permission
from staycurve.state.audit import ACTING
from staycurve.state.records import Login
from staycurve.workspace import Company

COOKIE = "staycurve"
"""The cookie that holds a session's text."""
NOTED_EVERY = 60.0
"""Seconds in which one reading of personal data at one address is noted once."""
_MOST = 4096

_log = logging.getLogger("staycurve.server")


class Doorkeeper:
    """Finds out who asks, by session or key.

    What it found is remembered until the database changes, whichever process changed it: a role
    that is taken away is gone with the next request.

    Parameters
    ----------
    is_local : bool
        Whether the server answers to this machine alone: only then may everybody in while nobody
        has been added.
    """

    def __init__(self, company: Company, *, is_local: bool = True) -> None:
        self.company = company
        self.is_local = is_local
        # One thread looks up, so that nothing found before a change is kept after it.
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="admission")
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="audit")
        self._stamp: bytes | None = None
        self._is_any: bool | None = None
        self._logins: dict[str, Login | None] = {}
        self._keys: dict[str, tuple[Visitor, float]] = {}
        self._noted: dict[tuple[str, str], float] = {}

    async def find(self, headers: Headers, cookie: str) -> Visitor:
        """Who asks; `NOBODY` for who has to log in.

        Raises
        ------
        NotSignedInError
            If a key is sent that opens nothing.
        StateError
            If the database cannot be read, and the project is known to have people.
        """
        kind, _, key = headers.get("authorization", "").partition(" ")
        text = key.strip() if kind.lower() == "bearer" else ""
        known = self._remembered(text, cookie)
        if known is not None:
            return known
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._looked_up, text, cookie)

    def _remembered(self, key: str, cookie: str) -> Visitor | None:
        """Who asks, where nothing has changed since they last did."""
        stamp = self.company.state.database.stamp()
        if stamp is None or stamp != self._stamp or self._is_any is None:
            return None
        if not self._is_any:
            return EVERYBODY if self.is_local else NOBODY
        if key:
            visitor, until = self._keys.get(key, (None, 0.0))
            return visitor if until > time.monotonic() else None
        if not cookie:
            return NOBODY
        if cookie not in self._logins:
            return None
        return self._visitor(cookie, self._logins[cookie])

    def _looked_up(self, key: str, cookie: str) -> Visitor:
        people, state = self.company.state.people, self.company.state
        stamp = state.database.stamp()
        if stamp != self._stamp:
            self._logins, self._keys, self._is_any = {}, {}, None
            self._stamp = stamp
        try:
            self._is_any, login = people.asked("" if key else cookie)
        except StaycurveError:
            self._is_any = None
            # Where it cannot be known, everybody is let in only where nobody ever had to log in.
            if people.is_marked() or not self.is_local:
                raise
            return EVERYBODY
        if not self._is_any:
            return EVERYBODY if self.is_local else NOBODY
        if key:
            return self._of_key(key)
        if not cookie:
            return NOBODY
        if len(self._logins) > _MOST:
            self._logins.clear()
        self._logins[cookie] = login
        return self._visitor(cookie, login)

    def _visitor(self, cookie: str, login: Login | None) -> Visitor:
        if login is None or login.expires_at <= self.company.clock():
            return NOBODY
        return Visitor(login.email, login.role, login.person, cookie)

    def _of_key(self, text: str) -> Visitor:
        key = self.company.state.checked_key(text)
        if key is None:
            raise NotSignedInError(
                "This key is not known, or it was revoked.",
                hint="Make one: staycurve keys create --scope viewer",
            )
        visitor = Visitor(f"key {key.prefix}_…", key.scope if key.scope in ROLES else "")
        try:
            self.company.state.note_key_use(key)
        except StaycurveError as error:
            # When it was last used is worth no answer.
            _log.warning("The last use of key %s was not kept: %s", key.prefix, error.message)
        if len(self._keys) > _MOST:
            self._keys.clear()
        self._keys[text] = (visitor, time.monotonic() + NOTED_EVERY)
        return visitor

    def note(self, visitor: Visitor, what: str, subject: str) -> None:
        """Keep in the audit log what somebody read, once a minute; nobody waits for it."""
        if not visitor.name:
            return
        key, now = (visitor.name, f"{what} {subject}"), time.monotonic()
        if self._noted.get(key, -NOTED_EVERY) + NOTED_EVERY > now:
            return
        if len(self._noted) > _MOST:
            self._noted.clear()
        self._noted[key] = now
        self._writing.submit(self._note, visitor, what, subject[:200])

    def _note(self, visitor: Visitor, what: str, subject: str) -> None:
        try:
            self.company.state.people.note(what, subject, who=visitor.name, role=visitor.role)
        except StaycurveError as error:
            _log.warning("The audit log misses that %s: %s %s", what, subject, error.message)


class Admission:
    """Lets requests in whose sender is known, and knows for them what they may see."""

    def __init__(
        self, app: ASGIApp, doorkeeper: Doorkeeper,
        present: Callable[[Request, errors.Fault], Response | None],
    ) -> None:
        self.app = app
        self.doorkeeper = doorkeeper
        self.present = present

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        path = scope["path"]
        try:
            if is_open(path):
                scope[VISITOR] = NOBODY
                await self.app(scope, receive, send)
                return
            visitor = await self.doorkeeper.find(
                request.headers, request.cookies.get(COOKIE, "")
            )
        except StaycurveError as error:
            await self._refused(request, errors.fault_of(error))(scope, receive, send)
            return
        scope[VISITOR] = visitor
        if not visitor.may(Permission.READ):
            await self._sent_away(request, visitor)(scope, receive, send)
            return
        acting, current = ACTING.set(visitor.name), CURRENT.set(visitor)
        try:
            with personal.reading(is_shown=visitor.may(Permission.PERSONAL)) as reading:
                await self.app(scope, receive, self._watched(scope, visitor, reading, send))
        finally:
            ACTING.reset(acting)
            CURRENT.reset(current)

    def _watched(
        self, scope: Scope, visitor: Visitor, reading: personal.Reading, send: Send
    ) -> Send:
        """Note what an answer showed, once it begins."""

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                if reading.has_seen:
                    self.doorkeeper.note(visitor, "personal.read", scope["path"])
                headers = Headers(raw=message["headers"])
                if headers.get("content-type", "").startswith("text/csv"):
                    self.doorkeeper.note(visitor, "exported", scope["path"])
            await send(message)

        return watched

    def _sent_away(self, request: Request, visitor: Visitor) -> Response:
        """The answer to nobody, and to a key that opens something else."""
        if visitor.name:
            return self._refused(request, (
                403, "not_permitted", "This key opens something else.",
                "Make one that reads: staycurve keys create --scope viewer",
            ))
        if request.headers.get("hx-request") == "true":
            return Response(status_code=401, headers={
                "HX-Redirect": "/login", "Cache-Control": "no-store"})
        if request.url.path == "/logout":
            return RedirectResponse("/login", 303, {"Cache-Control": "no-store"})
        is_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
        path = request.url.path
        if is_page and not path.startswith("/api/") and not path.endswith(".json"):
            asked = path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(
                f"/login?next={quote(asked, safe='/')}", 303, {"Cache-Control": "no-store"}
            )
        return self._refused(request, (
            401, "not_signed_in", "Log in to see this.",
            "Programs send a key: Authorization: Bearer sck_…  (staycurve keys create "
            "--scope viewer)",
        ))

    def _refused(self, request: Request, fault: errors.Fault) -> Response:
        response = self.present(request, fault) or errors.answer(fault)
        if fault[0] == 401:
            response.headers["WWW-Authenticate"] = 'Bearer realm="staycurve"'
        return response
