"""Login: the pages that let people in and out, and by which they choose a password."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI
from jinja2 import Environment
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from staycurve.errors import StaycurveError, UsageError
from staycurve.interfaces.access import visitor_of
from staycurve.interfaces.api.admission import COOKIE
from staycurve.interfaces.api.errors import fault_of
from staycurve.interfaces.web import forms, provider
from staycurve.interfaces.web.throttle import Throttle, ThrottledError
from staycurve.login_settings import LOGIN
from staycurve.state import emails, passwords, sessions
from staycurve.state.links import LinkError
from staycurve.state.records import Person
from staycurve.workspace import Company


class RefusedError(UsageError):
    """An address and a password that do not belong together."""

    code = "wrong_password"


class Login:
    """Lets people in, by password, link or identity provider, and out."""

    def __init__(self, company: Company, templates: Environment) -> None:
        self.company = company
        self.people = company.state.people
        self.templates = templates
        self.throttle = Throttle()
        self._waiting: dict[int, tuple[bytes, dict[str, str]]] = {}
        self.provider = provider.Provider(company)

    def waiting(self, error: ThrottledError) -> Response:
        """The page for who has to wait, drawn once for each number of seconds."""
        if error.after not in self._waiting:
            made = self._page(None, error, next="/")
            self._waiting[error.after] = (bytes(made.body), dict(made.headers))
        body, headers = self._waiting[error.after]
        return Response(body, 429, headers)

    def install(self, app: FastAPI) -> None:
        """Give it its addresses."""
        for address, answer, method in (
            ("/login", self._form, "GET"),
            ("/login", self._log_in, "POST"),
            ("/logout", self._log_out, "POST"),
            ("/password/{link}", self._choosing, "GET"),
            ("/password/{link}", self._chosen, "POST"),
            ("/login/provider", self._to_provider, "GET"),
            ("/login/provider/back", self._from_provider, "GET"),
        ):
            app.add_route(address, answer, methods=[method], include_in_schema=False)

    def _form(self, request: Request) -> Response:
        return self._page(request, next=_next(request.query_params.get("next", "")))

    async def _log_in(self, request: Request) -> Response:
        fields: dict[str, str] = {}
        try:
            fields = await forms.read(request)
            return await self._with_password(request, fields)
        except StaycurveError as error:
            return self._page(
                request, error, next=_next(fields.get("next", "")),
                email=fields.get("email", "")[:254],
            )

    async def _with_password(self, request: Request, fields: dict[str, str]) -> Response:
        email, password = fields.get("email", ""), fields.get("password", "")
        name, place = _compared(email), request.client.host if request.client else ""
        self.throttle.check(name, place)
        if name and len(password) <= passwords.MOST:
            person, kept, is_right = await self.throttle.beside(
                lambda: self._tried(name, password)
            )
        else:
            # Neither is a bounded password hashed, nor one of what is no address.
            person, is_right, kept = None, False, ""
        if person is None or not is_right:
            self.throttle.failed(name, place)
            await run_in_threadpool(
                self.people.note, "login.failed", name or "no address", who="", place=place
            )
            raise RefusedError(
                "The e-mail address or the password is wrong.",
                hint="Forgotten? An admin can send you a link to choose a new one.",
            )
        self.throttle.forgive(name, place)
        if passwords.is_outdated(kept):
            stronger = await self.throttle.beside(
                lambda: passwords.hashed(passwords.checked(password))
            )
            await run_in_threadpool(self.people.rehash, person, stronger)
        return await self._let_in(request, person, "password", _next(fields.get("next", "")))

    def _tried(self, name: str, password: str) -> tuple[Person | None, str, bool]:
        """Who has an address, the hash of their password, and whether it is that of this one."""
        person, kept = self.people.known(name)
        return person, kept, passwords.matches(kept, password)

    async def _let_in(
        self, request: Request, person: Person, how: str, to: str
    ) -> Response:
        """A new session, whatever session the browser had before."""
        before = request.cookies.get(COOKIE, "")
        text = await run_in_threadpool(self.people.begin, person, how=how, before=before)
        response = RedirectResponse(to, 303, {"Cache-Control": "no-store"})
        response.set_cookie(
            COOKIE, text, max_age=int(sessions.LASTS.total_seconds()), path="/", httponly=True,
            samesite="lax", secure=self._is_secure(request),
        )
        return response

    async def _log_out(self, request: Request) -> Response:
        visitor = visitor_of(request)
        fields = await forms.read(request)
        forms.check_token(request, fields.get(forms.TOKEN, ""))
        if visitor.session:
            await run_in_threadpool(self.people.end, visitor.session, visitor.name)
        response = RedirectResponse("/login", 303, {"Cache-Control": "no-store"})
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
        return response

    def _choosing(self, request: Request) -> Response:
        # Scanners of mail open every link: this spends nothing.
        try:
            person, kind = self.people.linked(request.path_params["link"])
        except StaycurveError as error:
            return self._page(request, error, template="password.html", email="", kind="")
        return self._page(request, template="password.html", email=person.email, kind=kind)

    async def _chosen(self, request: Request) -> Response:
        link, email, kind = request.path_params["link"], "", ""
        try:
            fields = await forms.read(request)
            place = request.client.host if request.client else ""
            self.throttle.check("", place)
            try:
                person, kind = await run_in_threadpool(self.people.linked, link)
            except LinkError:
                self.throttle.failed("", place)
                raise
            email = person.email
            password = passwords.checked(fields.get("password", ""), email=email)
            hashed = await self.throttle.beside(lambda: passwords.hashed(password))
            person = await run_in_threadpool(self.people.choose, link, hashed)
            return await self._let_in(request, person, kind, "/")
        except StaycurveError as error:
            return self._page(request, error, template="password.html", email=email, kind=kind)

    async def _to_provider(self, request: Request) -> Response:
        try:
            back = f"{self._base(request)}/login/provider/back"
            to, kept = await self.provider.begin(
                back, _next(request.query_params.get("next", ""))
            )
        except StaycurveError as error:
            return self._page(request, error)
        response = RedirectResponse(to, 303, {"Cache-Control": "no-store"})
        response.set_cookie(
            provider.COOKIE, kept, max_age=provider.LASTS, path="/login/provider", httponly=True,
            samesite="lax", secure=self._is_secure(request),
        )
        return response

    async def _from_provider(self, request: Request) -> Response:
        place = request.client.host if request.client else ""
        try:
            found = await self.provider.end(
                dict(request.query_params), request.cookies.get(provider.COOKIE, "")
            )
            person = await run_in_threadpool(self.people.provided, found.subject, found.email)
            if person is None:
                await run_in_threadpool(
                    self.people.note, "login.failed", _compared(found.email) or "no address",
                    who="", place=place, how="provider",
                )
                raise RefusedError(
                    f"{found.email} may not log in here.", hint="Ask an admin to add you."
                )
            response = await self._let_in(request, person, "provider", _next(found.to))
        except StaycurveError as error:
            response = self._page(request, error)
        response.delete_cookie(
            provider.COOKIE, path="/login/provider", httponly=True, samesite="lax"
        )
        return response

    def _base(self, request: Request) -> str:
        given = self.company.config[LOGIN].address
        return given.rstrip("/") or f"{request.url.scheme}://{request.url.netloc}"

    def _is_secure(self, request: Request) -> bool:
        return self._base(request).startswith("https://")

    def _page(
        self, _request: Request | None, fault: StaycurveError | None = None, *,
        template: str = "login.html", **view: Any,
    ) -> Response:
        status = 200 if fault is None else fault_of(fault)[0]
        headers = {
            "Cache-Control": "no-store",
            # Without a referrer a browser names no origin either.
            "Referrer-Policy": "same-origin",
        }
        if isinstance(fault, ThrottledError):
            status, headers["Retry-After"] = 429, str(fault.after)
        elif isinstance(fault, RefusedError):
            status = 401
        elif isinstance(fault, LinkError):
            status = 410
        own = self.company.config[LOGIN]
        body = self.templates.get_template(template).render(
            company=self.company.config.company, fault=fault, least=passwords.LEAST,
            most=passwords.MOST, provider=own.provider or own.issuer,
            **{"next": "/", "email": "", **view},
        )
        return Response(body, status, headers, "text/html; charset=utf-8")


def _compared(email: str) -> str:
    """An address as it is compared; empty for what is none."""
    if len(email) > 2 * passwords.MOST:
        return ""
    try:
        return emails.folded(email)
    except UsageError:
        return ""


def _next(asked: str) -> str:
    """An address of this server to go on to; the first page for any other."""
    parts = urlsplit(asked) if len(asked) <= 2000 and asked.isprintable() else None
    is_own = (
        parts is not None and not parts.scheme and not parts.netloc
        and asked.startswith("/") and not asked.startswith(("//", "/\\")) and "\\" not in asked
        and not asked.startswith(("/login", "/logout", "/password/"))
    )
    return asked if is_own else "/"
