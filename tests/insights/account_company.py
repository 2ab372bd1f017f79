"""A company small enough to work out by hand what is true of each of its accounts."""

from __future__ import annotations

from typing import Any

AS_OF = "2024-06-02"
"""1 June 2024 is the last day that is seen, to its end."""

SETTINGS = """
[end_reasons]
voluntary = ["too expensive"]
involuntary = ["payment failed"]
[[limits]]
feature = "report"
plan = "Pro"
allowance = 4
"""

TABLES: dict[str, Any] = {
    "accounts": [
        {"account_id": "acme", "name": "Acme Inc", "owner": "Ada", "created_at": "2023-12-20",
         "industry": "EdTech", "country": "DE", "employees": 20, "region": "North"},
        {"account_id": "acme-eu", "name": "Acme Europe", "parent_id": "acme"},
        {"account_id": "bolt", "name": "50%_Bolt's", "owner": "Bo", "employees": 20},
        {"account_id": "dune", "name": "Dune", "created_at": "2024-05-01"},
    ],
    "users": [
        {"user_id": "u1", "account_id": "acme", "name": "Una", "email": "una@acme.example",
         "role": "admin"},
        {"user_id": "u2", "account_id": "acme", "name": "Max", "email": "max@acme.example",
         "is_champion": "true"},
        {"user_id": "u3", "account_id": "acme", "name": "Ivo", "left_at": "2024-02-01"},
        {"user_id": "u4", "account_id": "bolt", "name": "Unai"},
    ],
    "subscriptions": [
        {"subscription_id": "s1", "account_id": "acme", "plan": "Basic", "amount": 100,
         "starts_at": "2024-01-05", "ends_at": "2024-03-10"},
        {"subscription_id": "s1", "account_id": "acme", "plan": "Pro", "amount": 150,
         "starts_at": "2024-03-10", "renews_at": "2025-01-05"},
        {"subscription_id": "s2", "account_id": "acme", "plan": "Extra", "kind": "addon",
         "amount": 30, "starts_at": "2024-02-01", "ends_at": "2024-08-01",
         "cancel_requested_at": "2024-05-02"},
        {"subscription_id": "s3", "account_id": "acme-eu", "plan": "Basic", "amount": 20,
         "starts_at": "2024-04-01", "renews_at": "2024-09-01"},
        {"subscription_id": "s4", "account_id": "bolt", "plan": "Basic", "amount": 40,
         "starts_at": "2024-01-20", "ends_at": "2024-02-20"},
        {"subscription_id": "s4", "account_id": "bolt", "plan": "Basic", "amount": 40,
         "starts_at": "2024-02-20", "ends_at": "2024-03-15", "end_reason": "too expensive"},
    ],
    "payments": [
        {"payment_id": "p1", "account_id": "acme", "amount": 100, "paid_at": "2024-01-05"},
        {"payment_id": "p2", "account_id": "acme", "amount": 100, "failed_at": "2024-02-05",
         "failure_reason": "card declined", "paid_at": "2024-02-08", "refunded_amount": 25},
    ],
    "tickets": [
        {"ticket_id": "t1", "account_id": "acme", "opened_at": "2024-02-01",
         "solved_at": "2024-02-02", "topic": "billing"},
        {"ticket_id": "t2", "account_id": "acme", "opened_at": "2024-05-20"},
        {"ticket_id": "t3", "account_id": "acme", "opened_at": "2024-05-01",
         "solved_at": "2024-05-02", "reopened_at": "2024-05-05"},
        {"ticket_id": "t4", "account_id": "bolt", "opened_at": "2024-03-01"},
    ],
    "answers": [
        {"answer_id": "n1", "survey": "q1", "kind": "nps", "account_id": "acme", "score": 6,
         "answered_at": "2024-02-01"},
        {"answer_id": "n2", "survey": "q2", "kind": "nps", "account_id": "acme", "score": 9,
         "answered_at": "2024-04-01", "comment": "Works <b>well</b>"},
    ],
    "leads": [
        {"lead_id": "l1", "account_id": "acme", "created_at": "2023-12-01",
         "won_at": "2024-01-05", "channel": "ads"},
    ],
    "events": [
        {"event_id": f"e{number}", "account_id": account, "user_id": user, "event": event,
         "occurred_at": f"{day}T09:00:00"}
        for number, (account, user, event, day) in enumerate([
            ("acme", "u1", "report", "2024-05-28"), ("acme", "u1", "report", "2024-06-01"),
            ("acme", "u1", "report", "2024-06-01"), ("acme", "u2", "board", "2024-05-10"),
            ("acme", "u2", "board", "2024-05-04"), ("acme", "guest", "board", "2024-03-01"),
            ("bolt", "u4", "board", "2024-03-02"),
        ])
    ],
}
