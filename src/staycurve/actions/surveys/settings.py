"""What holds for every survey: the section [surveys] of staycurve.toml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlsplit

from staycurve.i18n import N_
from staycurve.secret import Secret
from staycurve.sections import CLOSED, Section, Takes, Wrong

KINDS = ("plain", "delighted", "typeform", "retently")
_HOURS = re.compile(r"(\d{1,2}):00-(\d{1,2}):00")


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise Wrong("is not an address.", 'Write: address = "https://staycurve.example.com"')
    return text.rstrip("/")


def _hours(text: str) -> str:
    found = _HOURS.fullmatch(text)
    if not found or not 0 <= int(found[1]) < int(found[2]) <= 24:
        raise Wrong("is no range of hours.", 'Write: hours = "09:00-17:00"')
    return text


@dataclass(frozen=True)
class Webhook:
    """[surveys.webhooks.NAME]: a tool that sends answers to /webhooks/answers/NAME."""

    __pydantic_config__ = CLOSED

    secret: Annotated[
        Secret, Takes(N_("the variable that holds the secret"), 'secret = { env = "SECRET" }')
    ]
    kind: Annotated[
        str, Takes(N_("whose shape the answers have"), 'kind = "typeform"', choices=KINDS)
    ] = "plain"


@dataclass(frozen=True)
class Surveys:
    """[surveys].

    Attributes
    ----------
    address : str
        Where people reach this server; links begin with it.
    quiet_days : int
        Days after any survey in which a person is asked nothing else.
    hours : str
        The hours of a working day in which mails are sent, in the person's time zone.
    """

    __pydantic_config__ = CLOSED

    address: Annotated[
        str, Takes(N_("an address"), 'address = "https://staycurve.example.com"', check=_address)
    ] = "http://127.0.0.1:8765"
    quiet_days: Annotated[
        int, Takes(N_("days from 0 to 365"), "quiet_days = 7", least=0, most=365)
    ] = 7
    hours: Annotated[
        str, Takes(N_("a range of hours"), 'hours = "09:00-17:00"', check=_hours)
    ] = "09:00-17:00"
    webhooks: Mapping[str, Webhook] = field(default_factory=dict)

    @property
    def opens(self) -> int:
        """The hour from which mails are sent."""
        return int(self.hours.partition(":")[0])

    @property
    def closes(self) -> int:
        """The hour from which they are not."""
        return int(self.hours.partition("-")[2].partition(":")[0])


SURVEYS = Section(
    "surveys",
    Surveys,
    Surveys(),
    N_("Surveys: the address of their links, how often a person may be asked, and webhooks."),
    '[surveys]\naddress = "https://staycurve.example.com"',
)
