"""Keys of mails: the same for the same mail, and nobody's address is read out of one."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac

from staycurve.state.surveys import LINKS, signing_key
from staycurve.state.work_reading import Session


def mark_of(session: Session, *parts: str, now: dt.datetime) -> str:
    """What stands for these texts in keys: a digest under the project's own secret."""
    secret = signing_key(session, LINKS, now)
    said = "\0".join(parts).encode("utf-8", "replace")
    return hmac.new(secret.encode(), b"mail\0" + said, hashlib.sha256).hexdigest()[:32]
