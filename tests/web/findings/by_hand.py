"""Five accounts whose every number can be counted by hand, as of the end of April 2024."""

from __future__ import annotations

from pathlib import Path

from staycurve.workspace import Company
from tests.company import build

AS_OF = "2024-05-01"
"""The first instant that is not seen; the last trial ends after it."""

SETTINGS = """
[end_reasons]
voluntary = ["too expensive"]
[activation]
events = ["project"]
checklist = ["signup", "project"]
[[limits]]
feature = "report"
plan = "Basic"
allowance = 6
"""
ACCOUNTS = """
    account_id created_at channel industry referred_by
    acme       2024-01-05 ads     EdTech   -
    bolt       2024-01-10 ads     Health   acme
    crux       2024-01-12 web     EdTech   acme
    dune       2024-02-01 web     Health   acme
    echo       2024-04-20 ads     EdTech   bolt"""
USERS = """
    user_id account_id
    u1      acme
    u2      acme
    u3      bolt
    u4      crux
    u5      dune
    u6      echo"""
SUBSCRIPTIONS = """
    subscription_id account_id plan  starts_at  ends_at    amount status   card_on_file end_reason
    s1              acme       Basic 2024-01-05 2024-01-19 0      trialing true         -
    s1              acme       Basic 2024-01-19 -          100    active   -            -
    s2              bolt       Basic 2024-01-10 2024-01-24 0      trialing false        -
    s2              bolt       Basic 2024-01-24 2024-03-10 40     active   -    too_expensive
    s3              crux       Basic 2024-01-12 2024-01-26 0      trialing false        -
    s4              dune       Basic 2024-02-01 2024-02-15 0      trialing true         -
    s4              dune       Basic 2024-02-15 -          60     active   -            -
    s5              echo       Basic 2024-04-20 2024-05-04 0      trialing true         -"""
EVENTS = """
    event_id user_id event   occurred_at
    e01      u1      signup  2024-01-05T09:00:00
    e02      u1      project 2024-01-06T09:00:00
    e03      u1      report  2024-01-08T09:00:00
    e04      u3      signup  2024-01-10T09:00:00
    e05      u3      project 2024-01-12T09:00:00
    e06      u3      report  2024-01-12T10:00:00
    e07      u4      signup  2024-01-12T09:00:00
    e08      u5      signup  2024-02-01T09:00:00
    e09      u1      report  2024-04-02T09:00:00
    e10      u1      report  2024-04-10T09:00:00
    e11      u1      report  2024-04-10T09:10:00
    e12      u1      board   2024-04-10T09:20:00
    e13      u6      signup  2024-04-20T09:00:00
    e14      u5      report  2024-04-25T09:00:00
    e15      u1      report  2024-04-29T09:00:00
    e16      u2      report  2024-04-29T09:00:00
    e17      u6      report  2024-04-29T09:00:00
    e18      u5      report  2024-04-30T09:00:00"""
LEADS = """
    lead_id created_at channel qualified_at won_at     account_id
    l1      2024-01-05 ads     2024-01-06   2024-01-19 acme
    l2      2024-02-10 ads     -            -          -
    l3      2024-04-01 web     2024-04-02   -          -"""
REACH = """
    day        channel kind     count
    2024-03-31 ads     visits   100
    2024-04-02 ads     visits   10
    2024-04-03 ads     visits   5
    2024-04-03 web     visits   7
    2024-04-03 web     mentions 3"""
SPEND = """
    month      purpose     kind  channel amount currency
    2024-03-01 acquisition media ads     1000   USD
    2024-04-01 acquisition media ads     300    USD
    2024-04-01 acquisition staff -       80     USD
    2024-04-01 acquisition media web     20     USD
    2024-04-01 retention   tools -       50     USD"""


def by_hand(folder: Path) -> Company:
    """The company, refreshed."""
    return build(
        folder,
        {
            "accounts": ACCOUNTS, "users": USERS, "subscriptions": SUBSCRIPTIONS,
            "events": EVENTS, "leads": LEADS, "reach": REACH, "spend": SPEND,
        },
        end_reasons=SETTINGS,
    )
