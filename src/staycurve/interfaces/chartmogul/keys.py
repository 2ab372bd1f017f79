"""Keys: who may send and ask here."""

from __future__ import annotations

import base64
import binascii
import hmac

from staycurve.chartmogul_keys import CHARTMOGUL
from staycurve.config import Config


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


def authenticated(config: Config, key: str, scope: str) -> bool:
    """Whether a key may do what `scope` says: `ingest` to send, `read` to ask.

    Raises
    ------
    ConfigError
        If the variable that holds the key is not set.
    """
    del scope
    own = config[CHARTMOGUL].api_key
    if own is None or not key:
        return False
    # As long for a wrong key as for the right one.
    return hmac.compare_digest(key.encode(), own.reveal().encode())
