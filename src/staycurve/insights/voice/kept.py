"""What people keep of customers' voice beside the data: the codebook's changes, and notes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Protocol

from staycurve.i18n import N_
from staycurve.insights.shared.reader import Reader
from staycurve.insights.voice.codebook import CodebookChange

NOTE_KINDS = {"call": N_("Call"), "meeting": N_("Meeting"), "email": N_("E-mail")}


@dataclass(frozen=True)
class Note:
    """A note on an account.

    Attributes
    ----------
    day : date
        The local day of the call, meeting or e-mail.
    mentions : tuple of str
        Who is named in it, each as written after an @.
    """

    id: int
    account_id: str
    day: dt.date
    kind: str
    author: str
    text: str
    mentions: tuple[str, ...]
    created_at: dt.datetime
    created_by: str

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id, "account_id": self.account_id, "day": self.day.isoformat(),
            "kind": self.kind, "author": self.author, "text": self.text,
            "mentions": list(self.mentions), "created_at": self.created_at.isoformat(),
            "created_by": self.created_by,
        }


class Listener(Reader, Protocol):
    """A company that is read together with what people keep of its customers' voice."""

    def codebook_changes(self) -> tuple[CodebookChange, ...]:
        """Every change of the codebook that was made by now, in order."""

    def account_notes(self, account: str = "", *, text: str = "") -> tuple[Note, ...]:
        """Every note that was kept by now, oldest first: of one account, or with these words."""
