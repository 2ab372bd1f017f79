"""What several answers say alike."""

from __future__ import annotations

from collections.abc import Mapping

from staycurve.i18n import N_
from staycurve.insights.answers import Kind, Said


def of_segment(segment: Mapping[str, str | None]) -> Said:
    """A segment within a sentence, in brackets; nothing where the answer is not split."""
    if not segment:
        return Said("")
    words = ", ".join(f"{dim}={value or '(none)'}" for dim, value in segment.items())
    return Said(N_(" (%(words)s)"), {"words": (words, Kind.TEXT)})
