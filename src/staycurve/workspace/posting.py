"""Posting: what mails of every kind have in common: what became of them, and when to try again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from staycurve.actions.surveys import post
from staycurve.actions.surveys.post import Heard, Post

AGAIN = dt.timedelta(minutes=15)
"""After so long what a server put off is tried again; twice as long each further time."""
MOST_ATTEMPTS = 8
"""After so many a mail is given up: a day and a half has passed."""
MOST = 100_000
ENDED = "The program ended while it was sent."


@dataclass
class Sent:
    """What became of the mails that were due.

    Attributes
    ----------
    sent, refused, later, unsure, dropped : int
        Taken by the server, refused for good, put off by it, handed over when the connection
        broke, and no longer wanted.
    waiting : int
        Due, and not sent: the server is away, or a minute's worth was sent.
    fault : str
        Why the server took nothing more.
    """

    sent: int = 0
    refused: int = 0
    later: int = 0
    unsure: int = 0
    dropped: int = 0
    waiting: int = 0
    fault: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "sent": self.sent, "refused": self.refused, "later": self.later,
            "unsure": self.unsure, "dropped": self.dropped, "waiting": self.waiting,
            "fault": self.fault or None,
        }


def again_at(heard: Heard, attempts: int, now: dt.datetime) -> dt.datetime | None:
    """When to try once more what a server put off; None for anything else, or after enough.

    Parameters
    ----------
    attempts : int
        How often it was tried, this time included.
    """
    if heard.outcome != post.LATER or attempts >= MOST_ATTEMPTS:
        return None
    return now + AGAIN * (1 << attempts - 1)


def handed_over(server: Post, letter: Callable[[], EmailMessage], address: str) -> Heard:
    """Hand a mail to a server.

    Raises
    ------
    PostError
        When the server is away, or takes nothing now.
    """
    try:
        return server.send(letter(), address)
    except (ValueError, UnicodeError) as error:
        # An address that no header can hold: the others must not wait for it.
        return Heard(post.REFUSED, f"It cannot be written to: {error}"[:200])
