"""How people log in to the server: the section [login] of staycurve.toml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from staycurve.i18n import N_
from staycurve.secret import Secret
from staycurve.sections import CLOSED, Section, Takes, Wrong

LOCAL = "http://127.0.0.1:8765"
_NEAR = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Login:
    """[login]: the server's own address, and the identity provider that lets people in."""

    __pydantic_config__ = CLOSED

    address: Annotated[
        str, Takes(N_("the address of the server"), 'address = "https://metrics.acme.example"')
    ] = ""
    issuer: Annotated[
        str,
        Takes(N_("the address of an OpenID Connect provider"),
              'issuer = "https://login.acme.example"'),
    ] = ""
    client_id: Annotated[
        str, Takes(N_("what the provider calls this server"), 'client_id = "staycurve"')
    ] = ""
    client_secret: Annotated[
        Secret | None,
        Takes(N_("the variable that holds the provider's secret"),
              'client_secret = { env = "OIDC_SECRET" }'),
    ] = None
    provider: Annotated[
        str, Takes(N_("what people call the provider"), 'provider = "Acme"')
    ] = ""

    @property
    def base(self) -> str:
        """The server's address, without a slash at its end."""
        return (self.address or LOCAL).rstrip("/")

    @property
    def has_provider(self) -> bool:
        """Whether an identity provider lets people in."""
        return bool(self.issuer)


def _checked(given: Login) -> Login:
    for key in ("address", "issuer"):
        value = getattr(given, key)
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise Wrong("is not an address.", 'Write it as: "https://login.acme.example"', key)
        if value and parts.scheme == "http" and parts.hostname not in _NEAR and key == "issuer":
            raise Wrong("must begin with https://.", "Keys must not come over plain HTTP.", key)
    if given.issuer and not given.client_id:
        raise Wrong("needs client_id too.", 'Write: client_id = "staycurve"', "issuer")
    return given


LOGIN = Section(
    "login",
    Login,
    Login(),
    N_("The address of the server, and the identity provider by which people log in."),
    '[login]\naddress = "https://metrics.acme.example"',
    make=_checked,
)
