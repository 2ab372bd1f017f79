"""Cells of CSV files as spreadsheets may safely open them."""

from __future__ import annotations

_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a formula begins, in the letters of either width."""


def cell(value: object) -> object:
    """A spreadsheet runs a text that begins like a formula: such a text gets an apostrophe."""
    if isinstance(value, str) and value.startswith(_BEGINS):
        return "'" + value
    return "" if value is None else value
