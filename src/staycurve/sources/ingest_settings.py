"""Which programs may send events: the section [ingest] of staycurve.toml."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.sections import CLOSED, Section, Takes, Wrong, shown

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")
_ORIGINS = N_("a list of origins of pages, such as https://app.example.com")


def _origin(text: str) -> str:
    if text != "*" and not _ORIGIN.fullmatch(text):
        raise Wrong(
            f"lists {shown(text)}, which is no origin.",
            'Write: origins = ["https://app.example.com"]   (no path; "*" for every page)',
        )
    return text


@dataclass(frozen=True)
class Ingest:
    """[ingest]: events over HTTP.

    Attributes
    ----------
    origins : tuple of str
        Pages whose browsers may send; programs elsewhere need no entry.
    account_type : str
        The type of group that is an account; where it is empty, company, account, organization or
        customer, or the only one that an event names.
    """

    __pydantic_config__ = CLOSED

    origins: Annotated[
        tuple[Annotated[str, Takes(_ORIGINS, check=_origin)], ...],
        Takes(_ORIGINS, 'origins = ["https://app.example.com"]'),
    ] = ()
    account_type: Annotated[
        str, Takes(N_("the name of a type of group"), 'account_type = "workspace"')
    ] = ""


INGEST = Section(
    "ingest",
    Ingest,
    Ingest(),
    N_("Events over HTTP: the pages whose browsers may send, and which group is an account."),
    '[ingest]\norigins = ["https://app.example.com"]',
)
