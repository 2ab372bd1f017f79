"""Small random companies as conformed rows, for hypothesis and for a plain seed.

Every row keeps the rules of the tables: nothing in them is set aside, no two spans of an item
overlap, and every foreign currency has a rate.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")
Tables = dict[str, list[dict[str, Any]]]

FIRST_DAY = date(2023, 11, 1)
PLANS = ("Basic", "Pro", "Scale", None)
STATUSES = ("active",) * 6 + ("", "trialing", "past_due", "past_due", "unpaid", "paused")
REASONS = (None, "customer request", " Too Expensive", "payment failed", "moon phase")
DAY_LENGTHS = (1440, 9 * 1440, 20 * 1440, 31 * 1440, 75 * 1440)
DAY_GAPS = (0, 0, 0, 0, 5 * 1440, 100 * 1440)
AMOUNTS = ("0", "1", "10", "19.99", "30", "49.5", "100", "120", "365", "999.999999")
SWITCHES: dict[str, tuple[str, ...]] = {
    "weeks_per_month": ("52/12", "4", "4.33"),
    "days_per_month": ("365/12", "30"),
    "discounts": ("recurring", "all", "none"),
    "usage": ("include", "exclude"),
    "free_plan": ("churn", "active"),
    "past_due_grace": ("30d", "0d", "forever"),
    "paused": ("churn", "keep"),
    "churn_booked": ("period_end", "request"),
    "fx": ("daily", "fixed"),
    "netting": ("day", "60min", "event", "month"),
    "reactivation_window": ("forever", "90d"),
    "churn_denominator": ("start", "start_plus_new", "rolling_30d"),
    "revenue_rates": ("accounts", "movements"),
    "fcr": ("agent_replies", "customer_replies", "include_bots"),
}


class Pick(Protocol):
    """Where the choices come from."""

    def whole(self, low: int, high: int) -> int: ...

    def one(self, choices: Sequence[T]) -> T: ...


class Seeded:
    """Choices from a seeded generator."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def whole(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def one(self, choices: Sequence[T]) -> T:
        return self._random.choice(choices)


class Drawn:
    """Choices that hypothesis draws, and can shrink."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def whole(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))

    def one(self, choices: Sequence[T]) -> T:
        return self._draw(st.sampled_from(choices))


def _chance(pick: Pick, percent: int) -> bool:
    return pick.whole(1, 100) > 100 - percent


def _moment(pick: Pick, minute: int, *, is_day: bool) -> str:
    """The minute, counted from the first day: as a local date, or as an instant with its offset."""
    at = datetime.combine(FIRST_DAY, time()) + timedelta(minutes=minute)
    if is_day:
        return at.date().isoformat()
    hours, offset = pick.one(((0, "Z"), (0, "+00:00"), (2, "+02:00"), (-5, "-05:00")))
    return (at + timedelta(hours=hours)).isoformat() + offset


def _some_moment(pick: Pick, minute: int) -> str:
    return _moment(pick, minute, is_day=_chance(pick, 60))


def _minute(pick: Pick, low_day: int, high_day: int) -> int:
    day = pick.whole(low_day, high_day)
    return day * 1440 + (pick.one((1, 30, 55, 90, 600, 1439)) if _chance(pick, 30) else 0)


def _terms(pick: Pick, currencies: Sequence[str]) -> dict[str, Any]:
    """What one span bills: plan, price, discount and currency."""
    interval = pick.one(("month", "month", "month", "year", "quarter", "week", "day"))
    kind = pick.one(("base", "base", "base", "addon", "metered"))
    terms: dict[str, Any] = {
        "plan": pick.one(PLANS),
        "product": pick.one(("Suite", "Desk")),
        "kind": kind,
        "interval": interval,
        "interval_count": pick.one((None, 1, 1, 2, 3)),
        "currency": pick.one(currencies),
        "term_months": pick.one((None, None, 1, 12, 24)) if interval == "month" else None,
    }
    if _chance(pick, 30):
        terms |= {"quantity": str(pick.whole(1, 5)), "unit_amount": pick.one(AMOUNTS)}
    else:
        terms["amount"] = pick.one(AMOUNTS)
    if _chance(pick, 30):
        terms["discount_percent"] = pick.one(("10", "12.5", "50", "100"))
    if _chance(pick, 20):
        terms["discount_amount"] = pick.one(("1", "5.55", "40"))
    if _chance(pick, 30):
        terms["discount_recurring"] = pick.one(("true", "false"))
    return terms


def _item(
    pick: Pick, owner: dict[str, Any], spans: int, currencies: Sequence[str]
) -> list[dict[str, Any]]:
    """An item's life: spans that touch, leave a gap of hours or leave a gap of days.

    All its times are dates, or all are instants: mixed ones could overlap in some time zone.
    """
    rows: list[dict[str, Any]] = []
    is_day = _chance(pick, 60)
    lengths = DAY_LENGTHS if is_day else (*DAY_LENGTHS, 15, 45, 60, 480)
    gaps = DAY_GAPS if is_day else (*DAY_GAPS, 30, 180)
    at = pick.whole(0, 200) * 1440 + (0 if is_day else pick.one((0, 1, 55, 600, 1439)))
    terms = _terms(pick, currencies)
    for number in range(spans):
        ends = at + pick.one(lengths)
        status = pick.one(STATUSES)
        row: dict[str, Any] = {
            **owner,
            "starts_at": _moment(pick, at, is_day=is_day),
            "ends_at": _moment(pick, ends, is_day=is_day),
            "status": status,
            "status_reason": _status_reason(pick, status, rows),
            "end_reason": pick.one(REASONS),
            "cancel_requested_at": None,
            **terms,
        }
        if number + 1 == spans and _chance(pick, 50):
            row |= {"ends_at": None, "end_reason": None}
        elif status == "active" and _chance(pick, 20):
            row["status"] = "canceled"
        if _chance(pick, 25):
            asked = at + (ends - at) * pick.whole(0, 9) // 10
            row["cancel_requested_at"] = _moment(pick, asked, is_day=is_day)
        rows.append(row)
        at = ends + pick.one(gaps)
        if _chance(pick, 50):
            terms = _terms(pick, currencies)
    if rows[-1]["ends_at"] is not None and _chance(pick, 5):
        nothing = _moment(pick, at + 1440, is_day=is_day)
        rows.append(rows[-1] | {"starts_at": nothing, "ends_at": nothing})
    return rows


def _status_reason(pick: Pick, status: str, before: Sequence[dict[str, Any]]) -> str | None:
    if status != "paused":
        return None
    if before and before[-1]["status"] == "trialing" and _chance(pick, 50):
        return "trial_end_without_payment_method"
    return pick.one((None, "pause_requested", "Payment Failed", "final_payment_failure"))


def _payments(pick: Pick, spans: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Failed payments of the past-due spans, some without their subscription's id, some made good.

    A later payment is of the same invoice, of another one, or names none.
    """
    rows: list[dict[str, Any]] = []
    for span in spans:
        if span["status"] == "past_due" and _chance(pick, 50):
            day = date.fromisoformat(span["starts_at"][:10])
            failed = pick.whole(0, 12) * 1440 + pick.one((0, 30, 700))
            minute = (day - FIRST_DAY).days * 1440 + failed
            rows.append(
                {
                    "payment_id": f"pay{len(rows)}-{span['subscription_id']}",
                    "account_id": span["account_id"],
                    "subscription_id": pick.one((span["subscription_id"], None)),
                    "amount": "10",
                    "currency": span["currency"],
                    "failed_at": _some_moment(pick, minute),
                    "invoice_id": pick.one((None, f"in{len(rows)}")),
                }
            )
            if _chance(pick, 40):
                paid = _some_moment(pick, minute + pick.whole(1, 20) * 1440)
                rows.append(
                    rows[-1]
                    | {
                        "payment_id": f"pay{len(rows)}-{span['subscription_id']}",
                        "failed_at": None,
                        "paid_at": paid,
                        "invoice_id": pick.one((rows[-1]["invoice_id"], None, "another")),
                    }
                )
    return rows


def company(pick: Pick, accounts: int, spans: int = 5) -> Tables:
    """A company of so many accounts, each with at most so many spans in up to three items."""
    currencies: tuple[str, ...] = pick.one((("USD",), ("USD", "EUR"), ("USD", "USD", "EUR", "GBP")))
    tables: Tables = {"accounts": [], "subscriptions": [], "payments": [], "fx_rates": []}
    for number in range(accounts):
        account = f"a{number:04d}"
        left = pick.whole(0, spans)
        if left == 0 or not _chance(pick, 10):
            parent = f"a{pick.whole(0, number - 1):04d}" if number and _chance(pick, 15) else None
            tables["accounts"].append(
                {
                    "account_id": account,
                    "name": f"{pick.one(('Acme', 'Bolt', 'test'))} {number}",
                    "industry": pick.one(("EdTech", "Health", None)),
                    "country": pick.one(("US", "DE", "FR")),
                    "channel": pick.one(("ads", "partner", None)),
                    "parent_id": parent,
                }
            )
        place = 0
        while left > 0:
            count = pick.whole(1, left)
            owner = {
                "subscription_id": f"{account}-s{place // 2}",
                "item_id": None if place % 2 == 0 else "addon",
                "account_id": account,
            }
            tables["subscriptions"] += _item(pick, owner, count, currencies)
            left, place = left - count, place + 1
    tables["payments"] = _payments(pick, tables["subscriptions"])
    for currency in sorted(set(currencies) - {"USD"}):
        days = sorted({pick.whole(0, 300) for _ in range(pick.whole(1, 4))})
        tables["fx_rates"] += [
            {
                "day": (FIRST_DAY + timedelta(days=day)).isoformat(),
                "currency": currency,
                "rate": pick.one(("1.1", "1.2", "0.95", "1.0873", "1.333333")),
            }
            for day in days
        ]
    return tables


def add_people(pick: Pick, tables: Tables, count: int) -> None:
    """Give the company up to `count` answers, tickets and leads, and months of reach and spend."""
    accounts = [row["account_id"] for row in tables["accounts"]] or [None]
    surveyed = (None, *(f"u{n}" for n in range(max(2, count // 2))))
    for name in ("answers", "invitations", "tickets", "leads", "reach", "spend"):
        tables[name] = []
    for number in range(count):
        at = _minute(pick, 0, 240)
        later = _some_moment(pick, at + pick.one((60, 1440, 7 * 1440, 7 * 1440 + 1)))
        kind = pick.one(("nps", "csat", "csat"))
        top = 10 if kind == "nps" else pick.one((5, 10))
        who = {"account_id": pick.one(accounts), "user_id": pick.one(surveyed), "survey": "s1"}
        tables["invitations"].append(
            {"invitation_id": f"i{number}", "asked_at": _some_moment(pick, at), **who}
        )
        if _chance(pick, 70):
            score = pick.whole(0 if kind == "nps" else 1, top)
            answer = {"kind": kind, "score": score, "scale_max": top, "answered_at": later}
            place = {"touchpoint": pick.one(("app", "mail", None))}
            tables["answers"].append({"answer_id": f"n{number}", **who, **answer, **place})
        if accounts != [None]:
            tables["tickets"].append(
                {
                    "ticket_id": f"t{number}",
                    "account_id": pick.one(accounts),
                    "opened_at": _some_moment(pick, at),
                    "solved_at": _some_moment(pick, at + 30) if _chance(pick, 80) else None,
                    "reopened_at": later if _chance(pick, 30) else None,
                    "agent_contacts": pick.one((0, 1, 1, 2, None)),
                    "customer_contacts": pick.one((1, 1, 3, None)),
                    "solved_by": pick.one(("person", None, "bot")),
                    "channel": pick.one(("mail", "chat")),
                }
            )
        tables["leads"].append(
            {
                "lead_id": f"l{number}",
                "created_at": _some_moment(pick, at),
                "demo_at": later if _chance(pick, 40) else None,
                "channel": pick.one(("ads", "partner")),
            }
        )
    for day in range(0, 240, 7):
        for kind in ("visits", "social_engagements", "mentions"):
            tables["reach"].append(
                {
                    "day": (FIRST_DAY + timedelta(days=day)).isoformat(),
                    "channel": pick.one(("ads", "partner")),
                    "kind": kind,
                    "count": pick.whole(0, 50),
                }
            )
    currencies = ["USD", *sorted({row["currency"] for row in tables["fx_rates"]})]
    for month in ("2023-11-01", "2023-12-01", "2024-01-01", "2024-03-01", "2024-04-01"):
        for purpose in ("acquisition", "retention", "delivery"):
            if _chance(pick, 80):
                tables["spend"].append(
                    {
                        "month": month,
                        "purpose": purpose,
                        "kind": "staff",
                        "channel": pick.one(("ads", None)),
                        "amount": pick.one(AMOUNTS[1:]),
                        "currency": pick.one(currencies),
                    }
                )


@st.composite
def companies(draw: st.DrawFn, accounts: int = 6, spans: int = 5) -> Tables:
    """Companies of 1 to `accounts` accounts with 0 to `spans` spans each."""
    pick = Drawn(draw)
    return company(pick, pick.whole(1, accounts), spans)


@st.composite
def whole_companies(draw: st.DrawFn, accounts: int = 4, spans: int = 4) -> Tables:
    """Companies that also have answers, tickets, leads, reach and spend."""
    pick = Drawn(draw)
    tables = company(pick, pick.whole(1, accounts), spans)
    add_people(pick, tables, pick.whole(0, 6))
    return tables


def switches() -> st.SearchStrategy[dict[str, str]]:
    """Conventions: any of the keys, each with any of its values."""
    return st.fixed_dictionaries(
        {}, optional={key: st.sampled_from(values) for key, values in SWITCHES.items()}
    )


def zones() -> st.SearchStrategy[str]:
    """Time zones on both sides of UTC, with and without daylight saving time."""
    return st.sampled_from(
        ("UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Pacific/Auckland")
    )


def as_ofs() -> st.SearchStrategy[str]:
    """Instants to look back from: at midnight and inside a day."""
    return st.sampled_from(
        ("2024-03-01", "2024-05-01", "2024-08-01", "2024-06-13", "2024-06-13T10:20:30Z")
    )


def seeded_company(seed: int, accounts: int) -> Tables:
    """The same whole company for the same seed, with every table the oracle reads."""
    pick = Seeded(seed)
    tables = company(pick, accounts)
    add_people(pick, tables, accounts)
    return tables
