"""Sending what waits in the outbox: each message once, again while a channel is away."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from staycurve.actions.channels.settings import Channel
from staycurve.errors import StaycurveError
from staycurve.state import outbox

if TYPE_CHECKING:
    from staycurve.state.database import Database

SECONDS = 10
MOST = 500
"""Messages of one go: the rest waits for the next."""

Resolve = Callable[[str, int], list[str]]


class NotSentError(StaycurveError):
    """A message that did not arrive.

    Attributes
    ----------
    is_final : bool
        Whether it would not arrive later either.
    """

    code = "not_sent"

    def __init__(self, message: str, *, is_final: bool = False) -> None:
        super().__init__(message, hint="See: staycurve channels log")
        self.is_final = is_final


@dataclass(frozen=True)
class Message:
    """One message: `key` is the same however often it is tried."""

    key: str
    kind: str
    body: Mapping[str, Any]


Send = Callable[[Channel, Message, dt.datetime], None]


def send_all(
    database: Database, channels: Mapping[str, Channel], *, clock: Callable[[], dt.datetime],
    send: Send | None = None,
) -> dict[str, int]:
    """Send what is due: how many arrived, and how many did not.

    Each is taken under a lease before it is sent: of two who send at once, one has it. A process
    that is killed between sending and noting sends again after the lease, under the same key, by
    which a program that keeps keys knows it.
    """
    done = {"sent": 0, "failed": 0}
    holder = uuid.uuid4().hex
    for _one in range(MOST):
        with database.writing() as session:
            row = outbox.take(session, holder=holder, now=clock())
            if row is None:
                return done
            number, name = row.id, row.channel
            message = Message(row.key, row.kind, dict(row.body))
        error: NotSentError | None = None
        if name not in channels:
            error = NotSentError(f"there is no channel '{name}' any more", is_final=True)
        else:
            try:
                (send or send_one)(channels[name], message, clock())
            except NotSentError as problem:
                error = problem
            except StaycurveError as problem:
                error = NotSentError(problem.message)
        with database.writing() as session:
            if error is None:
                outbox.sent(session, number, holder=holder, now=clock())
                done["sent"] += 1
            else:
                outbox.failed(session, number, holder=holder, error=error.message, now=clock(),
                              is_final=error.is_final)
                done["failed"] += 1
    return done


def send_one(channel: Channel, message: Message, now: dt.datetime) -> None:
    """Send one message.

    Raises
    ------
    NotSentError
        If it did not arrive. Neither address nor secret stands in the message.
    """
    if channel.kind == "webhook":
        _webhook(channel, message, now)
    else:
        _notify(channel, message)


def signed(secret: str, key: str, body: str, now: dt.datetime) -> dict[str, str]:
    """The headers of a webhook, signed as standardwebhooks says."""
    from standardwebhooks.webhooks import Webhook

    try:
        signature = Webhook(secret).sign(key, now, body)
    except (RuntimeError, ValueError):
        raise NotSentError(
            "the secret is not base64: write whsec_ and 24 to 64 bytes of it", is_final=True
        ) from None
    return {
        "content-type": "application/json", "webhook-id": key,
        "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature,
    }


def _webhook(channel: Channel, message: Message, now: dt.datetime) -> None:
    import httpx

    url = channel.read("url")
    checked(url, may_be_private=channel.may_be_private)
    body = json.dumps({"type": message.kind, "timestamp": now.isoformat(), "data": message.body},
                      ensure_ascii=False, sort_keys=True)
    headers = signed(channel.read("secret"), message.key, body, now)
    try:
        # A redirect could lead to where no request may go.
        answer = httpx.post(url, content=body.encode(), headers=headers, timeout=SECONDS,
                            follow_redirects=False)
    except httpx.HTTPError as error:
        raise NotSentError(f"{channel.name} cannot be reached: {type(error).__name__}") from None
    if answer.status_code == 410:
        raise NotSentError(f"{channel.name} answered 410: it wants no more", is_final=True)
    if not 200 <= answer.status_code < 300:
        raise NotSentError(f"{channel.name} answered {answer.status_code}")


def _notify(channel: Channel, message: Message) -> None:
    import apprise

    url = channel.read("url")
    for one in url.replace(",", " ").split():
        host = urlsplit(one).hostname
        if one.partition("://")[0] in ("json", "jsons", "xml", "xmls", "form", "forms") and host:
            checked(f"http://{host}/", may_be_private=channel.may_be_private)
    told = apprise.Apprise()
    if not told.add(url):
        raise NotSentError(f"{channel.name} has an address that apprise cannot read", is_final=True)
    if not told.notify(title=str(message.body.get("title", "")),
                       body=str(message.body.get("text", "")) or "–"):
        raise NotSentError(f"{channel.name} did not take the message")


def _addresses(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def checked(url: str, *, may_be_private: bool, resolve: Resolve = _addresses) -> None:
    """Refuse an address within our own network, by every address that its name has.

    Raises
    ------
    NotSentError
        If the URL is none of http or https, its name is unknown, or one address is private.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotSentError("the address begins with neither http:// nor https://", is_final=True)
    if may_be_private:
        return
    try:
        found = resolve(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
    except OSError:
        raise NotSentError("the name of the server is not known") from None
    if not found or not all(ipaddress.ip_address(one.partition("%")[0]).is_global for one in found):
        raise NotSentError(
            "the address lies within a private network; allow_private = true lets it be asked"
        )
