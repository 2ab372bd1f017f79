"""Derived: one statement that computes a table from conformed ones, account by account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from staycurve.config import Config


@dataclass(frozen=True)
class Derived:
    """A table that is computed, never loaded.

    Attributes
    ----------
    statement : callable
        Config → one SELECT over the relations in `reads`. It treats each account by itself, so
        that a refresh may give it the changed accounts alone.
    columns : tuple of (name, SQL type)
        What the lake keeps; every output is cast to it.
    order : str
        How the rows lie in the files.
    partition : str
        A column of days: each of its values lies in files of its own and is computed by itself.
    """

    name: str
    about: str
    grain: str
    columns: tuple[tuple[str, str], ...]
    reads: tuple[str, ...]
    statement: Callable[[Config], str]
    order: str = "account_id"
    partition: str = ""
