"""Who stays, among those who did something and the others, as lines of a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import Key, Kind, Row, WhyField, col
from staycurve.insights.statistics.association import METHOD, Association
from staycurve.insights.statistics.proportions import Share
from staycurve.metrics.base import Unit


@dataclass(frozen=True, kw_only=True)
class Stayed(Row):
    """One association in a line."""

    name: Annotated[str, col(N_("Done"))]
    did: Annotated[int, col(N_("Did it"), Unit.COUNT)]
    users: Annotated[Share, col(N_("Stayed"), Unit.PERCENT)]
    did_not: Annotated[int, col(N_("Others"), Unit.COUNT)]
    others: Annotated[Share, col(N_("Others that stayed"), Unit.PERCENT)]
    difference: Annotated[
        float | None,
        col(N_("Difference"), Kind.POINTS, METHOD, ends=("difference_low", "difference_high")),
    ]
    difference_low: Annotated[float | None, Key()]
    difference_high: Annotated[float | None, Key()]
    comparable: Annotated[float | None, col(N_("Among comparable accounts"), Kind.POINTS)]
    verdict: Annotated[str, col(N_("What can be said"))]
    differing: Annotated[tuple[str, ...], col(N_("What else differs"))]
    why: WhyField = None


def stayed(found: Iterable[tuple[str, Association | None]]) -> tuple[Stayed, ...]:
    """Associations by the name of what was done, in lines."""
    return tuple(
        Stayed(
            name=name, did=one.users.size, users=one.users, did_not=one.others.size,
            others=one.others, difference=one.difference, difference_low=one.difference_low,
            difference_high=one.difference_high,
            comparable=one.among_comparable.difference if one.among_comparable else None,
            verdict=one.verdict_label, differing=one.differing, why=one.why,
        )
        for name, one in found
        if one is not None
    )
