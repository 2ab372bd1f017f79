"""Reader: what an insight may read of a company. The workspace's Company is one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from staycurve.config import Config
from staycurve.metrics.context import Filter
from staycurve.metrics.query import Query
from staycurve.metrics.result import AccountRows, Result
from staycurve.period import AsOf
from staycurve.tables.engine import AnyEngine
from staycurve.tables.lake import Lake
from staycurve.tables.pointer import LoadRecord, Snapshot

if TYPE_CHECKING:
    from staycurve.insights.books.ledgers import Ledgers
    from staycurve.insights.risk.pulse import Pulse

T = TypeVar("T")


class Reader(Protocol):
    """One company as insights see it; see `staycurve.workspace.project.Project`."""

    folder: Path
    config: Config
    lake: Lake

    @property
    def snapshot(self) -> Snapshot:
        """What readers see now."""

    def as_of(self, text: str | None = None) -> AsOf:
        """The as-of that `text` names."""

    def attributes(self) -> list[str]:
        """Names of account attributes beside the declared columns."""

    def traits(self) -> list[str]:
        """Names of what is loaded of users beside the declared columns."""

    def check_filters(self, filters: Sequence[Filter]) -> None:
        """Raise for a value of a filter that nothing loaded has."""

    def reading(self) -> AbstractContextManager[AnyEngine]:
        """An engine that sees the snapshot."""

    def seeing(self, seen: AsOf) -> AbstractContextManager[AnyEngine]:
        """An engine as of an instant."""

    def ledgers(self) -> AbstractContextManager[Ledgers]:
        """The company under any conventions."""

    def first_day(self, metrics: Sequence[str]) -> dt.date | None:
        """The first day with data for any of the metrics."""

    def query(
        self, *metrics: str, grain: str = "month", start: str | None = None,
        end: str | None = None, by: tuple[str, ...] = (), where: str = "", at: str | None = None,
    ) -> Query:
        """A query in words."""

    def answer(self, query: Query) -> Result:
        """Values of metrics."""

    def account_rows(self, query: Query, *, under: str = "") -> AccountRows:
        """The accounts behind one value."""

    def known_at(self, text: str) -> Self:
        """The company as readers saw it at an instant."""

    def notes(self) -> tuple[str, ...]:
        """What a reader of an earlier state must know."""

    def loads(self) -> list[LoadRecord]:
        """Every load, oldest first."""

    def tables(self) -> list[dict[str, Any]]:
        """Every conformed table with its rows and how many were rejected."""

    def rejects(self) -> list[dict[str, Any]]:
        """Every row that was rejected, with the reason."""

    def today(self) -> dt.date:
        """The company's local day now, whether anything is loaded of it or not."""

    def pulses(self) -> tuple[Pulse, ...]:
        """Every pulse of an account that was given by now, oldest first."""

    def is_due(self) -> bool:
        """Whether something was loaded that is not computed yet."""

    def kept(
        self, name: str, key: Hashable, make: Callable[[], T], *, most: int = 16
    ) -> T:
        """What `make` finds, found once for a snapshot and its conventions."""
