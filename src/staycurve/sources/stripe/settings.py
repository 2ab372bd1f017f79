"""[sources.NAME] of the kind `stripe`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from staycurve.i18n import N_
from staycurve.secret import Secret
from staycurve.section_faults import Wrong, shown
from staycurve.sections import CLOSED, Takes

ORIGIN = "https://api.stripe.com"
VERSION = "2026-09-30.endive"
"""What is asked for, so that an account's own version changes nothing; all are understood."""


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or (
        parts.path.strip("/") not in ("", "v1")
    ):
        raise Wrong(
            f"= {shown(value)} is no origin.", f'Write: base_url = "{ORIGIN}"   (/v1/… is added)'
        )
    return value


@dataclass(frozen=True)
class Stripe:
    """[sources.NAME] of the kind `stripe`."""

    __pydantic_config__ = CLOSED

    api_key: Annotated[
        Secret,
        Takes(N_("the variable that holds a restricted key with read permissions"),
              'api_key = { env = "STRIPE_API_KEY" }'),
    ]
    webhook_secret: Annotated[
        Secret | None,
        Takes(N_("the variable that holds the webhook endpoint's signing secret"),
              'webhook_secret = { env = "STRIPE_WEBHOOK_SECRET" }'),
    ] = None
    base_url: Annotated[
        str, Takes(N_("where Stripe is"), f'base_url = "{ORIGIN}"', check=_origin)
    ] = ORIGIN
    connected_account: Annotated[
        str | None,
        Takes(N_("the connected account whose objects are meant"),
              'connected_account = "acct_1032D82eZvKYlo2C"'),
    ] = None

    open_usage: Annotated[
        bool,
        Takes(N_("true where usage that is not billed yet is asked for, once a day and item"),
              "open_usage = true"),
    ] = False

    @property
    def origin(self) -> str:
        """The origin without what follows it."""
        return self.base_url.rstrip("/").removesuffix("/v1")
