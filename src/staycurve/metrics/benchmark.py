"""Benchmark: a value or band that others report, and where it was read."""

from __future__ import annotations

from dataclasses import dataclass

from staycurve.i18n import N_

LEVELS = {
    "typical": N_("typical"), "good": N_("good"), "leading": N_("leaders"), "own": N_("yours"),
    "definition": N_("by definition"),
}


@dataclass(frozen=True)
class Benchmark:
    """A value or band to compare with, and where it comes from.

    Attributes
    ----------
    source : str
        Who says so, and where.
    at_least, at_most : float, optional
        Bounds in the metric's unit, both included; of a single value both are that value.
    level : str
        One of LEVELS: what the band describes.
    year : int, optional
        When it was published.
    companies : int, optional
        How many it rests on; None where the source does not say.
    is_second_hand : bool
        Whether it was read where others quote it.
    grain : str
        The periods that it was stated for; empty where it holds at any.
    younger_than, older_than : int, optional
        It speaks of companies below, or of at least, so many years.
    where : str
        The segment that it speaks of, as `--where` takes it; all accounts without it.
    note : str
        What else must be known.
    """

    source: str
    at_least: float | None = None
    at_most: float | None = None
    level: str = "good"
    year: int | None = None
    companies: int | None = None
    is_second_hand: bool = False
    grain: str = ""
    younger_than: int | None = None
    older_than: int | None = None
    where: str = ""
    note: str = ""
