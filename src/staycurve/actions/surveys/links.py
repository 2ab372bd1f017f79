"""Links: an invitation's name and its last moment, signed; nothing of the person stands in it."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any

LONGEST = 400
"""Letters of anything that may be a token."""


@dataclass(frozen=True)
class Link:
    """What a token says.

    Attributes
    ----------
    uuid : str
        The invitation's name.
    expires_at : datetime
        To the second.
    """

    uuid: str
    expires_at: dt.datetime


def token(key: str, uuid: str, expires_at: dt.datetime) -> str:
    """The token of an invitation; always the same, so that it can be sent again."""
    signed: str = _signer(key, "link").dumps([uuid, int(expires_at.timestamp())])
    return signed


def read(key: str, text: str) -> Link | None:
    """What a token says; None for one that was not signed here, whole and as it is."""
    found = _read(_signer(key, "link"), text)
    if not (isinstance(found, list) and len(found) == 2):
        return None
    uuid, expires = found
    if not isinstance(uuid, str) or not isinstance(expires, int):
        return None
    return Link(uuid, dt.datetime.fromtimestamp(expires, dt.UTC))


@dataclass(frozen=True)
class Offered:
    """What the token of a survey says that was due inside the product.

    Attributes
    ----------
    survey, version : int
        Their ids.
    round : int
        The how-manieth time the user would be asked: two tokens of one round are one answer.
    at : int
        When it was given out, in seconds since 1970.
    """

    survey: int
    version: int
    user_id: str
    account_id: str
    round: int
    at: int


def offer(
    key: str, survey: int, version: int, user_id: str, account_id: str, round: int, at: int
) -> str:
    """The token with which a program answers what it was told to ask inside the product."""
    signed: str = _signer(key, "offer").dumps([survey, version, user_id, account_id, round, at])
    return signed


def read_offer(key: str, text: str) -> Offered | None:
    """What such a token says; None for one that was not signed here."""
    found = _read(_signer(key, "offer"), text, longest=4 * LONGEST)
    return Offered(*found) if isinstance(found, list) and len(found) == 6 else None


def mail(key: str, number: int, email: str) -> str:
    """The token with which whoever got a mail that is no survey's wants no more of them.

    The address goes into the signature alone: who was forgotten since has another.
    """
    signed: str = _signer(key, f"mail {email.lower()}").dumps(number)
    return signed


def mail_number(text: str) -> int | None:
    """The number of the mail that such a token names, before its signature is looked at."""
    from itsdangerous import BadData

    if len(text) > LONGEST or not text.isascii():
        return None
    try:
        _is_safe, found = _signer("", "mail").loads_unsafe(text)
    except BadData:
        return None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def is_of_mail(key: str, text: str, number: int, email: str) -> bool:
    """Whether a token is that of a mail and its address."""
    return bool(_read(_signer(key, f"mail {email.lower()}"), text) == number)


def _read(signer: Any, text: str, *, longest: int = LONGEST) -> Any:
    from itsdangerous import BadData
    from itsdangerous.encoding import base64_decode, base64_encode

    if len(text) > longest or not text.isascii():
        return None
    try:
        found = signer.loads(text)
        # The last sign of base64 has bits that nobody reads: a link that was changed there, too.
        signature = text.rpartition(".")[2]
        is_as_it_was = base64_encode(base64_decode(signature)).decode() == signature
    except BadData:
        return None
    return found if is_as_it_was else None


def _signer(key: str, salt: str) -> Any:
    from itsdangerous import URLSafeSerializer

    return URLSafeSerializer(
        key, salt=f"staycurve survey {salt}",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
