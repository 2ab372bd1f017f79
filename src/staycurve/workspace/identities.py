"""Identities: which ids were found to be one person, and parting those that are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from staycurve.errors import UnknownNameError
from staycurve.workspace.books import Books
from staycurve.workspace.measured import MeasuredCompany


@dataclass(frozen=True)
class Identity:
    """One id, and whose it is.

    Attributes
    ----------
    source : str
        Which system told it.
    alias, user_id : str
        The id, and the user that it was said to be.
    person : str
        The user that it counts for: through every further link, and without links that were undone
        or that another source had told otherwise before.
    since : str, optional
        When it was learned; ISO 8601, UTC.
    is_undone : bool
        Whether it was parted by hand.
    """

    source: str
    alias: str
    user_id: str
    person: str
    since: str | None
    is_undone: bool

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "source": self.source, "alias": self.alias, "user_id": self.user_id,
            "person": self.person, "since": self.since, "is_undone": self.is_undone,
        }


class Identities:
    """The identities of one company."""

    def __init__(self, company: MeasuredCompany) -> None:
        self._company = company

    def listed(self) -> list[Identity]:
        """Every identity, by alias and source."""
        with self._company.reading() as engine:
            rows = engine.rows("""
                SELECT i.source, i.alias, i.user_id, coalesce(p.user_id, i.alias) AS person,
                       i.since, i.user_id = i.alias AS is_undone
                FROM identities i LEFT JOIN people p ON p.alias = i.alias
                ORDER BY i.alias, i.source
            """)
        return [
            Identity(
                source, alias, user, person, f"{since.isoformat()}+00:00" if since else None,
                bool(is_undone),
            )
            for source, alias, user, person, since, is_undone in rows
        ]

    def undo(self, alias: str, *, source: str = "", author: str, reason: str) -> list[int]:
        """Part an id from whoever it was said to be; the numbers of the loads that this makes.

        It stays parted when the same is told again. To join them again, undo these loads.

        Parameters
        ----------
        source : str
            Only what this source told; what every source told without it.

        Raises
        ------
        UnknownNameError
            If nothing is told of the id.
        """
        every = self.listed()
        found = [
            one for one in every
            if one.alias == alias and not one.is_undone and source in ("", one.source)
        ]
        if not found:
            raise UnknownNameError(
                "identity", alias, [one.alias for one in every if not one.is_undone],
                hint="All identities: staycurve identities list",
            )
        return [
            Books(self._company).adjust(
                "identities", key={"source": one.source, "alias": alias},
                values={"user_id": alias}, author=author, reason=reason,
            )
            for one in found
        ]
