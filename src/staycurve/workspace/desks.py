"""Desk: rows that app state keeps first, and that come into the lake a moment later."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from staycurve.sources.base import Sender
from staycurve.sources.port import FileReport
from staycurve.sources.stream_records import cursor_of
from staycurve.workspace import asking


class Desk(ABC):
    """What one part of app state hands to the lake of a company.

    Parameters
    ----------
    company : Company
        Its app state keeps the rows, its lake gets them.
    """

    def __init__(self, company: Any) -> None:
        self._company = company

    @property
    @abstractmethod
    def is_due(self) -> bool:
        """Whether something is kept that is not in the lake yet."""

    @abstractmethod
    def drain(self, *, wait: float = 600.0) -> list[FileReport]:
        """Bring everything into the lake that is not there; rows and cursor are one commit.

        Raises
        ------
        BusyError
            If another writer holds the lake for longer than `wait` seconds.
        """

    def drain_and_refresh(self) -> None:
        """The same, and bring what is derived up to date; nothing where nothing is due."""
        if not self.is_due:
            return
        self.drain()
        company = self._company
        if company.is_due():
            company.refresh()
        asked = asking.current()
        if asked is not None:
            # The request goes on with what it has brought in.
            asked.seen.pop(id(company), None)

    def _cursor(self, sender: Sender) -> int:
        cursor = cursor_of(self._company.loads(), sender)
        return 0 if cursor is None else int(cursor.at)
