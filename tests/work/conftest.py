"""Five small companies' worth of accounts by hand, in one that takes a second to build."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from staycurve.workspace import Company
from tests.company import build

ACCOUNTS = """
account_id name    created_at  owner country
big        Big     2024-01-01  Ana   DE
mid        Mid     2024-01-01  Ana   DE
low        Low     2024-01-01  -     US
new        New     2024-06-20  -     US
gone       Gone    2024-01-01  Carl  FR
idle       Idle    2024-01-01  -     FR
calm       Calm    2024-01-01  -     FR
"""
SUBSCRIPTIONS = """
subscription_id account_id plan starts_at  ends_at    interval amount end_reason
s1              big        Pro  2024-01-01 -          month    1000   -
s2              mid        Pro  2024-01-01 -          month    300    -
s3              low        Go   2024-01-01 -          month    100    -
s4              new        Go   2024-06-20 -          month    100    -
s5              gone       Go   2024-01-01 2024-05-15 month    100    too_expensive
s6              idle       Go   2024-01-01 -          month    50     -
s7              calm       Go   2024-01-01 -          month    40     -
"""
PAYMENTS = """
payment_id account_id subscription_id invoice_id amount paid_at    failed_at
p1         big        s1              i1         1000   2024-06-01 -
p2         mid        s2              i2         300    -          2024-06-20
p3         low        s3              i3         100    2024-06-25 2024-06-20
"""
SEEN = "2024-07-01"

RULE = """
title = "Payment failing"
type = "risk"
reasons = ["paid", "lost"]
chance = 0.5
can_do = 0.5
closes = true
act_within_days = 2

[[when]]
fact = "payment_failing_days"
at_least = 0

[outcome]
of = "churned"
within_days = 60

[[tasks]]
title = "Write"
due_in_days = 0
template = "first"

[[tasks]]
title = "Call"
due_in_days = 3

[templates.first]
subject = "Hello {name}"
text = "Open for {payment_failing_days} days. {owner}"
"""


def made(folder: Path, **settings: str) -> Company:
    """The company, with only its own playbooks on."""
    off = (
        "ask-for-referral", "champion-gone", "detractor", "feature-to-try", "large-requests",
        "limit-reached", "onboarding-rescue", "payment-failing", "renewal", "riskiest-month",
        "usage-falling",
        "win-back",
    )
    listed = ", ".join(f'"{one}"' for one in off)
    extra = settings.get("extra", "")
    return build(
        folder,
        {"accounts": ACCOUNTS, "subscriptions": SUBSCRIPTIONS, "payments": PAYMENTS},
        company=f"[playbooks]\noff = [{listed}]\n{settings.get('playbooks', '')}\n{extra}\n",
    )


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    """The company as of July 2024."""
    with made(tmp_path / "one") as found:
        yield found


def playbook(company: Company, text: str, name: str = "late") -> Path:
    """A playbook of the project's own."""
    folder = company.folder / "playbooks"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def rule(fact: str, test: str, kind: str = "risk", more: str = "") -> str:
    """A playbook of one condition."""
    return f'title = "T"\ntype = "{kind}"\n{more}\n[[when]]\nfact = "{fact}"\n{test}\n'


NOW = dt.datetime(2024, 7, 1, 9, tzinfo=dt.UTC)
