"""How the example company's history is kept: spans of subscription items, and everything else."""

from __future__ import annotations

from dataclasses import dataclass, field

from staycurve.demo.clock import END
from staycurve.demo.prices import Terms


@dataclass(slots=True)
class Span:
    """A stretch in which nothing about one item changed; instants in seconds."""

    account: int
    subscription_id: str
    item_id: str
    starts_at: int
    terms: Terms
    status: str
    has_card: bool
    ends_at: int | None = None
    requested_at: int | None = None
    reason: str | None = None
    renews_at: int | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """One attempt to collect money; `amount` in hundredths of the currency's unit."""

    account: int
    subscription_id: str
    invoice_id: str
    amount: int
    currency: str
    paid_at: int | None
    failed_at: int | None
    failure: str | None
    refunded: int | None


@dataclass(frozen=True, slots=True)
class Month:
    """One account's month of use; `rate` is the expected number of product events."""

    account: int
    begin: int
    finish: int
    age: int
    stage: str
    rate: float
    mood: float
    pain: float


@dataclass(frozen=True, slots=True)
class Ticket:
    """One conversation with support; instants in seconds."""

    account: int
    opened_at: int
    first_response_at: int
    solved_at: int
    reopened_at: int | None
    contacts: int
    is_slow: bool


@dataclass(frozen=True, slots=True)
class Exposure:
    """One decision to stay or leave, with what was true of the account then."""

    account: int
    renewal: int
    months: int
    plan: str
    interval: str
    started_at: int
    is_first_life: bool
    is_champion_gone: bool
    is_price_rise: bool
    pain: float
    chance: float
    has_left: bool


@dataclass(frozen=True, slots=True)
class Exit:
    """An account that left by its own decision."""

    account: int
    at: int
    reason: str | None


@dataclass(slots=True)
class History:
    """Everything that happened to all accounts, in the order it was simulated."""

    spans: list[Span] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    months: list[Month] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)
    exposures: list[Exposure] = field(default_factory=list)
    exits: list[Exit] = field(default_factory=list)
    champions_left: list[tuple[int, int, int | None]] = field(default_factory=list)
    trials: dict[int, tuple[int, int | None]] = field(default_factory=dict)
    first_paid: dict[int, tuple[int, Terms]] = field(default_factory=dict)
    growth: dict[str, list[int]] = field(
        default_factory=lambda: {"affected": [0, 0], "others": [0, 0]}
    )
    rises: list[int] = field(default_factory=list)


class Ledger:
    """The items of one subscription as they run; writes each span into the history.

    Nothing at or after the end of the history is written, so an open span stays open.
    """

    def __init__(
        self, history: History, account: int, subscription_id: str, *, has_card: bool
    ) -> None:
        self.history = history
        self.account = account
        self.subscription_id = subscription_id
        self.has_card = has_card
        self.running: dict[str, Span] = {}

    def put(self, item: str, at: int, terms: Terms, status: str = "active") -> None:
        """Open the item, or close its running span and open the next one if it differs."""
        if at >= END:
            return
        span = self.running.get(item)
        renews_at = None
        if span is not None:
            if (span.terms, span.status) == (terms, status):
                return
            renews_at = span.renews_at
            if span.starts_at == at:
                span.terms, span.status = terms, status
                return
            span.ends_at = at
        following = Span(
            self.account, self.subscription_id, item, at, terms, status, self.has_card,
            renews_at=renews_at,
        )  # fmt: skip
        self.running[item] = following
        self.history.spans.append(following)

    def set_status(self, at: int, status: str) -> None:
        """Put every running item into another status."""
        for item, span in list(self.running.items()):
            self.put(item, at, span.terms, status)

    def request_end(self, at: int) -> None:
        """Note on every running item when its end was asked for."""
        if at < END:
            for span in self.running.values():
                span.requested_at = at

    def withdraw_request(self, at: int) -> None:
        """Void the request: a touching span without it follows."""
        if at >= END:
            return
        for item, span in list(self.running.items()):
            following = Span(
                self.account, self.subscription_id, item, at, span.terms, span.status,
                self.has_card, renews_at=span.renews_at,
            )  # fmt: skip
            span.ends_at = at
            self.running[item] = following
            self.history.spans.append(following)

    def end(self, item: str, at: int, reason: str | None) -> None:
        """Close one item."""
        if at < END and item in self.running:
            span = self.running.pop(item)
            span.ends_at, span.reason = at, reason

    def end_all(self, at: int, reason: str | None) -> None:
        """Close every item."""
        for item in list(self.running):
            self.end(item, at, reason)
