"""Cursors: where a stream goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from staycurve.errors import SourceError


@dataclass(frozen=True)
class Cursor:
    """Where a stream goes on.

    Attributes
    ----------
    at : str or int
        What is compared: the greater one is newer. Texts compare sign by sign, so instants are
        written in one form and one zone.
    kept : mapping
        What else the stream needs, as JSON. It is merged into what was kept before, and a None
        takes a key out.
    """

    at: str | int
    kept: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.at, bool) or not isinstance(self.at, str | int):
            raise SourceError(
                f"A cursor is at a text or a whole number, not at a {type(self.at).__name__}.",
                hint="Write an instant as ISO 8601, UTC.",
            )
        try:
            json.dumps(dict(self.kept), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise SourceError(
                f"What a cursor keeps is not JSON: {error}.",
                hint="Keep texts, numbers, lists and objects.",
            ) from None

    def is_older_than(self, other: Cursor) -> bool:
        """Whether the other has come further.

        Raises
        ------
        SourceError
            If one is a text and the other a number.
        """
        if isinstance(self.at, str) and isinstance(other.at, str):
            return self.at < other.at
        if isinstance(self.at, int) and isinstance(other.at, int):
            return self.at < other.at
        raise SourceError(
            f"The cursors {self.at!r} and {other.at!r} cannot be compared.",
            hint="Begin anew: staycurve sync NAME --full",
        )

    def over(self, before: Cursor | None) -> Cursor:
        """What holds after this one was committed; an older one changes nothing."""
        if before is None:
            merged: Mapping[str, Any] = self.kept
        elif self.is_older_than(before):
            return before
        else:
            merged = {**before.kept, **self.kept}
        return Cursor(self.at, {key: value for key, value in merged.items() if value is not None})

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"at": self.at, "kept": dict(self.kept)}

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Cursor:
        """Out of what `as_dict` gave."""
        return cls(given["at"], given.get("kept", {}))
