"""What is kept, as the floors above see it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SavedView:
    """A page with its filters and range, under a name.

    Attributes
    ----------
    page : str
        A path on this server.
    query : str
        What stands after the `?` of its address.
    created_by : str
        Who saved it; empty where nobody has signed in.
    """

    id: int
    name: str
    page: str
    query: str
    created_at: dt.datetime
    created_by: str

    @property
    def url(self) -> str:
        """The address that opens it."""
        return f"{self.page}?{self.query}" if self.query else self.page

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id, "name": self.name, "page": self.page, "query": self.query,
            "url": self.url, "created_at": self.created_at.isoformat(),
            "created_by": self.created_by,
        }


@dataclass(frozen=True)
class Annotation:
    """A dated note, which charts show.

    Attributes
    ----------
    day : date
        A local day of the company.
    metric : str, optional
        The metric that it speaks of; every one without it.
    """

    id: int
    day: dt.date
    text: str
    author: str
    metric: str | None
    created_at: dt.datetime

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id, "day": self.day.isoformat(), "text": self.text, "author": self.author,
            "metric": self.metric, "created_at": self.created_at.isoformat(),
        }


@dataclass(frozen=True)
class Dismissal:
    """A doubt about what is loaded that somebody has looked at.

    Attributes
    ----------
    doubt : str
        The name of its check.
    rows : int
        How many rows it spoke of; about more it is shown again.
    """

    doubt: str
    rows: int
    created_at: dt.datetime
    created_by: str


@dataclass(frozen=True)
class Goal:
    """What a metric is to reach by the end of a month.

    Attributes
    ----------
    target, start_value : float
        In the metric's unit: rates are fractions, money is in major units.
    until_on, start_on : date
        Last days of the month that it is to be reached in, and of the one that it starts from.
    source : str
        Where the numbers come from.
    status : str
        active, reached, missed or dropped: what people have said, not what the numbers say.
    end_value : float, optional
        What the metric was when the goal was reviewed.
    """

    id: int
    metric: str
    target: float
    until_on: dt.date
    owner: str
    source: str
    start_on: dt.date
    start_value: float
    started_at: dt.datetime
    status: str = "active"
    note: str = ""
    ended_at: dt.datetime | None = None
    end_value: float | None = None

    @property
    def is_active(self) -> bool:
        """Whether it has neither been reviewed nor dropped."""
        return self.status == "active"


@dataclass(frozen=True)
class Key:
    """A key with which a program sends; its text was shown once and is kept nowhere.

    Attributes
    ----------
    scope : str
        What it opens: `ingest` takes product events in.
    prefix : str
        Its first letters, by which people know it.
    last_used_at : datetime, optional
        To the minute.
    """

    id: int
    name: str
    scope: str
    prefix: str
    created_at: dt.datetime
    created_by: str
    revoked_at: dt.datetime | None
    last_used_at: dt.datetime | None

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id, "name": self.name, "scope": self.scope, "prefix": self.prefix,
            "created_at": self.created_at.isoformat(), "created_by": self.created_by,
            "revoked_at": self.revoked_at.isoformat() if self.revoked_at else None,
            "last_used_at": self.last_used_at.isoformat() if self.last_used_at else None,
        }


@dataclass(frozen=True)
class Person:
    """Somebody who may log in.

    Attributes
    ----------
    role : str
        viewer, analyst, operator or admin.
    has_password, has_subject : bool
        Whether they have chosen a password, and whether an identity provider has let them in.
    """

    id: int
    email: str
    role: str
    created_at: dt.datetime
    created_by: str
    disabled_at: dt.datetime | None
    last_login_at: dt.datetime | None
    has_password: bool
    has_subject: bool

    @property
    def status(self) -> str:
        """active, invited (they have not logged in yet) or disabled."""
        if self.disabled_at is not None:
            return "disabled"
        return "active" if self.has_password or self.has_subject else "invited"

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id, "email": self.email, "role": self.role, "status": self.status,
            "created_at": self.created_at.isoformat(), "created_by": self.created_by,
            "last_login_at": self.last_login_at.isoformat() if self.last_login_at else None,
        }


@dataclass(frozen=True)
class Login:
    """A session that holds: whose it is, what they are, and until when."""

    person: int
    email: str
    role: str
    expires_at: dt.datetime


@dataclass(frozen=True)
class AuditEntry:
    """One change: who did what to which subject, and when.

    Attributes
    ----------
    what : str
        Such as `view.saved`.
    subject : str
        Such as `view 3`.
    detail : mapping
        The values before and after.
    """

    id: int
    at: dt.datetime
    who: str
    what: str
    subject: str
    detail: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id, "at": self.at.isoformat(), "who": self.who, "what": self.what,
            "subject": self.subject, "detail": dict(self.detail),
        }
