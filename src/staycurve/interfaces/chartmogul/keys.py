"""Keys: who may send and ask here."""

from __future__ import annotations

import base64
import binascii
import hmac

from staycurve.chartmogul_keys import CHARTMOGUL
from staycurve.workspace import Company


def key_of(header: str) -> str:
    """The key in an Authorization header: the user name of Basic, as ChartMogul's clients send it.

    Empty where the header holds none.
    """
    kind, _, text = header.partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        plain = base64.b64decode(text.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
    return plain.partition(":")[0]


def scopes_of(company: Company, key: str) -> tuple[str, ...]:
    """What a key opens here: `send`, `read`, or nothing.

    Keys are made by `staycurve keys create`; the one of the section [chartmogul] opens everything.

    Raises
    ------
    ConfigError
        If the variable that holds the configured key is not set.
    """
    if not key:
        return ()
    own = company.config[CHARTMOGUL].api_key
    # As long for a wrong key as for the right one.
    if own is not None and hmac.compare_digest(key.encode(), own.reveal().encode()):
        return "send", "read"
    made = company.state.checked_key(key)
    if made is None:
        return ()
    company.state.note_key_use(made)
    return {"ingest": ("send",), "chartmogul": ("send", "read")}.get(made.scope, ())
