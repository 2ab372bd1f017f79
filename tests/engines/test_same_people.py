"""Who a person is, and what they did, is the same on every engine."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from staycurve.workspace import Company
from tests.company import build
from tests.engines.beside import Spark

EVENTS = [
    {"event_id": f"e{n}", "user_id": user, "anonymous_id": visitor, "event": "Used",
     "occurred_at": f"2024-01-{n + 10}T10:00:00Z"}
    for n, (user, visitor) in enumerate(
        [("", "web"), ("ann", ""), ("anna", ""), ("", "nobody"), ("x", ""), ("y", ""), ("z", "")]
    )
]
IDENTITIES = [
    {"source": source, "alias": alias, "user_id": user, "since": since}
    for source, alias, user, since in [
        ("a", "web", "ben", "2024-03-01"), ("b", "web", "ann", "2024-02-01"),
        ("a", "ann", "anna", ""), ("a", "x", "y", ""), ("a", "y", "z", ""), ("a", "z", "x", ""),
    ]
]


def rows(company: Company) -> list[Any]:
    with company.reading() as engine:
        return [
            engine.rows("SELECT alias, user_id FROM people ORDER BY alias"),
            engine.rows("SELECT event_id, user_id FROM events ORDER BY event_id"),
            engine.rows("SELECT user_id, account_id, day FROM usage_days ORDER BY day"),
        ]


def test_spark_finds_the_same_people(spark: Spark, tmp_path: Path) -> None:
    with build(tmp_path / "project", {
        "accounts": [{"account_id": "acme"}],
        "users": [{"user_id": "anna", "account_id": "acme"}],
        "events": EVENTS, "identities": IDENTITIES,
    }) as ours:
        shutil.copytree(ours.folder, tmp_path / "other")
        wanted = rows(ours)
        assert wanted[0] == [
            ("ann", "anna"), ("web", "anna"), ("y", "x"), ("z", "x"),
        ]
        with spark.of(ours, tmp_path / "other") as theirs:
            theirs.refresh(is_full=True)
            assert rows(theirs) == wanted


def test_spark_reads_merged_accounts_alike(spark: Spark, tmp_path: Path) -> None:
    def rows(company: Company) -> list[Any]:
        with company.reading() as engine:
            return [
                engine.rows(
                    "SELECT account_id, name, industry, "
                    "json_extract_string(attributes, '$.\"tier\"'), "
                    "json_extract_string(attributes, '$.\"site\"') "
                    "FROM accounts ORDER BY account_id"
                ),
                engine.rows("SELECT account_id, root_id FROM account_roots ORDER BY account_id"),
                engine.rows("SELECT account_id, day FROM usage_days ORDER BY day"),
            ]

    with build(tmp_path / "project", {
        "accounts": [
            {"account_id": "acme", "name": "Acme", "tier": "gold", "site": ""},
            {"account_id": "b", "name": "B", "industry": "Retail", "tier": "tin", "site": "b.com"},
            {"account_id": "c", "industry": "Other", "site": "c.com", "parent_id": "b"},
        ],
        "events": [{"event_id": "e", "account_id": "b", "event": "Used",
                    "occurred_at": "2024-01-10T10:00:00Z"}],
    }) as ours:
        ours.matching.merge("b", "acme")
        shutil.copytree(ours.folder, tmp_path / "other")
        wanted = rows(ours)
        assert wanted[0] == [
            ("acme", "Acme", "Retail", "gold", "b.com"), ("c", None, "Other", None, "c.com"),
        ]
        assert wanted[1] == [("acme", "acme"), ("b", "acme"), ("c", "acme")]
        with spark.of(ours, tmp_path / "other") as theirs:
            theirs.refresh(is_full=True)
            assert rows(theirs) == wanted
