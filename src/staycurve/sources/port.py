"""The port: how batches get in, and what is told of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from staycurve.errors import StaycurveError
from staycurve.sources.base import Kept, Sender
from staycurve.sources.batches import Batch
from staycurve.sources.cursors import Cursor
from staycurve.tables.doubts import Doubt

Progress = Callable[[int, int, str], None]
"""Called with what is done, what there is to do (0: nobody knows), and what is going on."""


@dataclass(frozen=True)
class FileReport:
    """What became of one file, or one batch of rows, in one table.

    Attributes
    ----------
    accepted, replaced, rejected : int
        Together, the data rows that are meant for the table.
    removed : int, optional
        How many rows were taken out because the file, a complete export, does not hold them; None
        when it was not loaded as one.
    notes : tuple of str
        What else there is to know.
    error : StaycurveError, optional
        Why nothing of it was loaded.
    doubts : tuple of Doubt
        What its rows look like when it means something else than it says.
    """

    file: str
    table: str
    accepted: int
    replaced: int
    rejected: int
    notes: tuple[str, ...] = ()
    removed: int | None = None
    error: StaycurveError | None = None
    doubts: tuple[Doubt, ...] = ()

    def noting(self, notes: tuple[str, ...]) -> FileReport:
        """The same with more notes."""
        return replace(self, notes=self.notes + notes)


class Writer(Protocol):
    """The one way in: for files, for connectors, and for an inbox of events."""

    def cursor(self, sender: Sender) -> Cursor | None:
        """Where the last committed batch left a stream; None before the first."""
        ...

    def kept(self, source: str, kind: str) -> contextlib.AbstractContextManager[Kept]:
        """What the lake holds of a source now."""
        ...

    def write(
        self, batches: Sequence[Batch], *, sender: Sender | None = None,
        is_restart: bool = False, is_dry_run: bool = False, progress: Progress | None = None,
    ) -> list[FileReport]:
        """Take batches in one commit: readers see all of it with its cursors, or nothing.

        Parameters
        ----------
        sender : Sender, optional
            Whose they are; None for files that a person loads.
        is_restart : bool
            Whether the stream was read from its beginning: the cursor before is forgotten.
        is_dry_run : bool
            Whether to count only, and change nothing.

        Returns
        -------
        list of FileReport
            One for each file and table, and one for each table that rows fed. What failed carries
            its error, and its cursor is not kept.
        """
        ...
