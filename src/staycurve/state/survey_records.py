"""Surveys as the floors above see them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Survey:
    """A survey, and what its newest version asks.

    Attributes
    ----------
    version, version_id : int
        The number of the newest version, from 1, and its id.
    body : mapping
        The definition, as JSON.
    is_active : bool
        Whether it may ask anybody.
    """

    id: int
    name: str
    kind: str
    is_active: bool
    version: int
    version_id: int
    body: Mapping[str, Any]
    created_at: dt.datetime
    created_by: str


@dataclass(frozen=True)
class Invitation:
    """One person asked once by one survey.

    Attributes
    ----------
    uuid : str
        Names it in links and in the lake.
    round : int
        The how-manieth time the survey asks this person, from 0.
    channel : str
        mail, csv or product: how the person learns of it.
    planned_at, asked_at : datetime
        When it is to be sent, and when it was; `asked_at` is None until then.
    expires_at : datetime
        From when its link takes no answer.
    is_dropped : bool
        Whether it was given up: refused by the mail server, suppressed, or another round began.
    change : int
        Greater than that of every change of an invitation before.
    """

    id: int
    uuid: str
    survey_id: int
    version_id: int
    user_id: str
    account_id: str
    email: str
    name: str
    round: int
    channel: str
    planned_at: dt.datetime
    asked_at: dt.datetime | None
    expires_at: dt.datetime
    is_dropped: bool
    change: int


@dataclass(frozen=True)
class Response:
    """What came back to one invitation.

    Attributes
    ----------
    finished_at : datetime, optional
        When its link was spent; None while questions are left.
    further : tuple of str
        What was said to the further questions, in their order.
    """

    invitation_id: int
    answered_at: dt.datetime
    finished_at: dt.datetime | None
    score: int | None
    comment: str
    further: tuple[str, ...]
    change: int


@dataclass(frozen=True)
class Asked:
    """An invitation with the survey, what it asked, and what came back.

    Attributes
    ----------
    version : int
        The number of the version that was asked.
    body : mapping
        The definition of that version.
    """

    invitation: Invitation
    survey: str
    version: int
    body: Mapping[str, Any]
    response: Response | None


@dataclass(frozen=True)
class Mail:
    """A mail that is due, and whom it is for.

    Attributes
    ----------
    kind : str
        `ask` or `reminder`.
    zone : str
        The person's time zone.
    attempts : int
        How often a server was asked to take it.
    """

    id: int
    kind: str
    due_at: dt.datetime
    zone: str
    attempts: int
    asked: Asked


@dataclass(frozen=True)
class Suppression:
    """An address that is not written to any more, and why."""

    email: str
    reason: str
    created_at: dt.datetime
    created_by: str

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "email": self.email, "reason": self.reason,
            "created_at": self.created_at.isoformat(), "created_by": self.created_by,
        }


@dataclass(frozen=True)
class Received:
    """An answer that another tool sent.

    Attributes
    ----------
    body : mapping
        The columns of `answers` that say nothing of a person.
    """

    source: str
    external_id: str
    account_id: str
    user_id: str
    email: str
    comment: str
    body: Mapping[str, Any]
    change: int
