"""Store: where the files of the tables lie, whichever place that is.

delta.py, lake.py and writing.py alone ask it. An engine is told by `mounted` how to read what lies
at a URL.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from staycurve.errors import StaycurveError
from staycurve.tables.engine import Written, mounted

NOTES = "_pointer"
"""Below it lies a copy of every row of the pointer, from which a lost state.db is built again."""
ASIDE = "_damaged"
LOG = "_delta_log"


class Store(ABC):
    """The files of all tables, each table below its own name.

    Attributes
    ----------
    lock : Path
        The file that the one writer holds; always on this machine.
    is_far : bool
        Whether each question takes a way through the network.
    """

    lock: Path
    is_far = False

    @property
    def options(self) -> dict[str, str] | None:
        """What deltalake needs to reach it."""
        return None

    @abstractmethod
    def table(self, table: str) -> str:
        """The address of a table."""

    def file(self, table: str, path: str) -> str:
        """The address of a file that a table's log names."""
        return f"{self.table(table)}/{path}"

    def learn(self, sizes: Mapping[str, int]) -> None:
        """Take note of the bytes of files, by address, so that nobody need ask."""
        return None

    @abstractmethod
    def create(self) -> None:
        """Make it, where that is this program's to do."""

    @abstractmethod
    def check(self) -> None:
        """Raise when it is not there, without a way through the network."""

    @abstractmethod
    def claim(self) -> None:
        """Raise when another project writes here; the lock is held."""

    @abstractmethod
    def target(self, table: str, spill: Path) -> Path:
        """The folder of this machine into which an engine writes files for a table.

        Parameters
        ----------
        spill : Path
            A folder that goes with the engine, or with the next writer when it was killed.
        """

    @abstractmethod
    def take(self, table: str, files: Sequence[Written]) -> list[str]:
        """Let files that lie in `target` be files of the table; their addresses."""

    @abstractmethod
    def remove(self, addresses: Iterable[str]) -> None:
        """Remove files as far as that can be done."""

    @abstractmethod
    def forget(self, table: str) -> None:
        """Make room for a table that no snapshot names."""

    @abstractmethod
    def put_aside(self, table: str, stamp: str) -> str:
        """Move a table to where nothing reads it; its address there."""

    @abstractmethod
    def renumber(self, table: str, version: int) -> None:
        """Let the only entry of a log, of which there is a checkpoint too, have this version."""

    @abstractmethod
    def cut(self, table: str, version: int) -> None:
        """Move the entries of a log after `version` to where nothing reads them."""

    @abstractmethod
    def tables(self) -> list[str]:
        """Every table that has a log."""

    @abstractmethod
    def keep_note(self, number: int, text: str) -> None:
        """Keep a note durably, and no other of this number or a greater one."""

    @abstractmethod
    def notes(self) -> dict[int, str]:
        """Number → text of every note."""

    def damaged(self, sizes: Mapping[str, int]) -> tuple[str, str] | None:
        """The first file that is not there with its bytes, and why; asks nothing far away."""
        return None

    @abstractmethod
    def every(self, below: str = "") -> list[str]:
        """The addresses of all files, sorted, those of no version too; `below` a folder of them."""

    @abstractmethod
    def read_bytes(self, address: str) -> bytes:
        """What a file holds."""

    @abstractmethod
    def measured(self, address: str) -> int:
        """Bytes of a file as it is now, whatever is remembered of it."""

    @abstractmethod
    def put(self, address: str, made: Path) -> None:
        """Let a file hold what lies at `made`, durably and at once; `made` is gone after that."""

    @abstractmethod
    def make_durable(self, addresses: Sequence[str], tables: Collection[str]) -> None:
        """Let new files and the new log entries of `tables` outlast a power cut."""

    @abstractmethod
    def explained(self, error: Exception) -> StaycurveError | None:
        """What kept the store from doing its work; None when the error is not its own."""


def opened(path: str) -> Any:
    """What pyarrow reads a file from: its path, or an open file where it lies at a URL."""
    scheme, is_url, _ = path.partition("://")
    return mounted[scheme].open(path) if is_url else path
