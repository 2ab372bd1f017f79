"""Access: who may do what. Roles, the one who asks, and the addresses that ask nobody's name.

Pages, insights and routes name the permission that they need; without a word reading needs READ,
and changing OPERATE. Whoever answers asks `may(request, …)`, or `require`, which refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.requests import HTTPConnection

from staycurve.errors import NotPermittedError
from staycurve.permissions import ALLOWS as ALLOWS, ROLES, Permission

F = TypeVar("F", bound=Callable[..., Any])

VISITOR = "staycurve.visitor"
"""The key of a request's scope under which the one who asks stands."""

OPEN = frozenset({
    "/healthz", "/readyz", "/favicon.ico", "/login", "/login/provider", "/login/provider/back",
    "/api/v1/surveys/due", "/api/v1/surveys/shown", "/api/v1/surveys/answers",
})
"""Addresses that anybody may ask for: health, logging in, and those that check keys themselves."""
OPEN_BELOW = ("/static/", "/password/", "/webhooks/", "/chartmogul/v1/", "/s/")
"""Starts of such addresses: they check keys, signatures or links of their own."""


@dataclass(frozen=True)
class Visitor:
    """The one who asks.

    Attributes
    ----------
    name : str
        An e-mail address, or the first letters of a key; empty where nobody has to log in.
    role : str
        Empty for nobody.
    person : int, optional
        Who has logged in.
    session : str
        The text of their session; forms of its pages carry a token made from it.
    """

    name: str = ""
    role: str = ""
    person: int | None = None
    session: str = ""

    def may(self, permission: Permission) -> bool:
        """Whether their role allows it."""
        return permission in ALLOWS.get(self.role, ())


EVERYBODY = Visitor(role=ROLES[-1])
"""Whoever asks on a machine where nobody has to log in."""
NOBODY = Visitor()

CURRENT: ContextVar[Visitor] = ContextVar("visitor", default=EVERYBODY)
"""Who asks, for what draws pages: the navigation lists what they may see."""


def visitor_of(request: HTTPConnection) -> Visitor:
    """Who asks; nobody where that was not found out."""
    found = request.scope.get(VISITOR, NOBODY)
    return found if isinstance(found, Visitor) else NOBODY


def may(request: HTTPConnection, permission: Permission) -> bool:
    """Whether the one who asks may do something."""
    return visitor_of(request).may(permission)


def require(request: HTTPConnection, permission: Permission) -> None:
    """Refuse what the one who asks may not do.

    Raises
    ------
    NotPermittedError
        Which names roles that may.
    """
    visitor = visitor_of(request)
    if not visitor.may(permission):
        roles = " or ".join(role for role in ROLES if permission in ALLOWS[role])
        raise NotPermittedError(
            f"The role {visitor.role or 'nobody'} does not allow this.",
            hint=f"It needs the role {roles}: ask an admin.",
        )


def needs(permission: Permission) -> Callable[[F], F]:
    """Declare what a route needs, where it is not READ to read or OPERATE to change."""

    def mark(endpoint: F) -> F:
        endpoint.permission = permission  # type: ignore[attr-defined]
        return endpoint

    return mark


def needed_by(endpoint: object, method: str) -> Permission:
    """What a route needs."""
    default = Permission.READ if method in ("GET", "HEAD") else Permission.OPERATE
    found = getattr(endpoint, "permission", default)
    return found if isinstance(found, Permission) else default


def permitted(request: HTTPConnection) -> None:
    """Refuse a route to whoever may not ask for it; every router of ours depends on it."""
    require(request, needed_by(request.scope.get("endpoint"), request.scope["method"]))


def is_open(path: str) -> bool:
    """Whether anybody may ask for an address."""
    return path in OPEN or path.startswith(OPEN_BELOW)
