"""Known: everything that is kept of one subscription, before it becomes spans."""

from __future__ import annotations

from dataclasses import dataclass, field

from staycurve.sources.stripe.shapes import Object
from staycurve.sources.stripe.terms import Terms


@dataclass(frozen=True)
class Piece:
    """What one invoice line, or several of one period, state of an item from a second on."""

    starts_at: int
    ends_at: int
    terms: Terms
    is_trial: bool


@dataclass(frozen=True)
class Snapshot:
    """A subscription as it was at a second; `id` tells snapshots of one second apart."""

    at: int
    body: Object
    id: str = ""


@dataclass
class Known:
    """What is known of one subscription.

    Attributes
    ----------
    snapshots : list of Snapshot
        Oldest first; the last one is how it stands today.
    before : mapping, optional
        How it was before the first event.
    pieces : mapping
        Item → what its invoices state, oldest first.
    credits : mapping
        Item → the second from which on a bill was last given back in part.
    open_since : int, optional
        When the oldest invoice was issued that is not paid.
    """

    id: str
    snapshots: list[Snapshot] = field(default_factory=list)
    before: Object | None = None
    pieces: dict[str, list[Piece]] = field(default_factory=dict)
    credits: dict[str, int] = field(default_factory=dict)
    open_since: int | None = None
    has_card: bool = False
