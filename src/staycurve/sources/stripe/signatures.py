"""Signatures: whether an event was sent by Stripe, now, and not changed on its way."""

from __future__ import annotations

import hashlib
import hmac

TOLERANCE = 300
"""Seconds that a signature may be old, or ahead: a message that was caught must not work later."""
MOST = 32
"""Signatures in one header; Stripe sends one for each secret that is valid."""


def is_signed(body: bytes, header: str, secret: str, now: int) -> bool:
    """Whether a header of `Stripe-Signature` signs a body with the secret.

    Parameters
    ----------
    body : bytes
        As it came, before anything parsed it.
    now : int
        Seconds since 1970.

    References
    ----------
    Stripe, "Verify webhook signatures manually": HMAC with SHA-256 over time, dot and body.
    """
    times: list[str] = []
    signatures: list[str] = []
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name == "t":
            times.append(value)
        elif name == "v1":
            signatures.append(value)
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit()) or len(times[0]) > 12:
        return False
    if abs(now - int(times[0])) > TOLERANCE or not secret:
        return False
    signed = times[0].encode() + b"." + body
    wanted = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()
    found = [hmac.compare_digest(wanted, one.encode()) for one in signatures[:MOST]]
    return any(found)
