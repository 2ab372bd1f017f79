"""Amounts and reasons where Stripe has several ways to write them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from staycurve.sources.stripe.payments import payment_of
from staycurve.sources.stripe.timeline import end_reason


@pytest.mark.parametrize(("currency", "amount", "major"), [
    ("usd", 1050, "10.50"), ("jpy", 1050, "1050"), ("kwd", 1050, "1.050"), ("bhd", 15000, "15"),
    # Two without decimals that Stripe still counts in hundredths.
    ("isk", 5000, "50"), ("ugx", 5000, "50"),
])
def test_the_smallest_unit_is_that_of_the_currency(
    currency: str, amount: int, major: str
) -> None:
    charge = {"id": "ch_1", "customer": "cus_1", "amount": amount, "currency": currency,
              "created": 1735689600, "status": "succeeded", "amount_refunded": amount}
    row = payment_of(charge, None, None)
    assert (row["amount"], row["refunded_amount"]) == (Decimal(major), Decimal(major))


@pytest.mark.parametrize(("details", "reason"), [
    ({"reason": "cancellation_requested", "feedback": "unused"}, "not using it"),
    ({"reason": "cancellation_requested"}, "customer request"),
    ({"reason": "payment_failed", "feedback": "unused"}, "payment failed"),
    ({"reason": "payment_disputed"}, "payment disputed"),
    ({"reason": "canceled_by_retention_policy"}, "canceled by retention policy"),
    ({"reason": "cancellation_requested", "feedback_option": {"label": "Moved abroad"}},
     "Moved abroad"),
    ({"reason": "cancellation_requested", "feedback_option": "too_complex"}, "too complex"),
    ({}, None), (None, None),
])
def test_why_it_ends_is_what_says_most(details: Any, reason: str | None) -> None:
    assert end_reason({"cancellation_details": details}) == reason
