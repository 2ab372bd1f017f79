"""[company] exclude: an unknown field is an error, a rule that matches nobody is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from staycurve.errors import ConfigError
from staycurve.insights.examination.doctor import examine
from tests.company import build, create, load

SUBSCRIPTIONS = """subscription_id account_id starts_at amount
    s1 acme 2024-01-05 10
    s2 ours 2024-01-05 20"""
ACCOUNTS = """account_id name tier
    acme Acme gold
    ours Test_Inc inner"""
USERS = """user_id account_id email
    u1 acme ann@acme.com
    u2 ours bob@ourco.com"""


def excluded(folder: Path, rule: str) -> list[str]:
    tables = {"subscriptions": SUBSCRIPTIONS, "accounts": ACCOUNTS, "users": USERS}
    with (
        build(folder / "p", tables, company=f"exclude = [\"{rule}\"]") as company,
        company.reading() as engine,
    ):
        rows = engine.rows("SELECT account_id FROM account_roots WHERE is_excluded")
        found = examine(company.config, company.lake, company.snapshot, engine, company.as_of())
        said = [one.text for one in found if one.check == "exclude_matches_nobody"]
        assert len(said) == (not rows)
    return [row[0] for row in rows]


@pytest.mark.parametrize("rule", ["email~@ourco.com", "name~test", "tier~inner", "account_id~ours"])
def test_columns_attributes_and_addresses_of_users_can_be_named(rule: str, tmp_path: Path) -> None:
    assert excluded(tmp_path, rule) == ["ours"]


def test_a_rule_that_matches_nobody_is_said(tmp_path: Path) -> None:
    assert excluded(tmp_path, "email~@ourco.org") == []


@pytest.mark.parametrize(
    ("rule", "near"), [("emial~@ourco.com", "email"), ("tir~inner", "tier"), ("nmae~x", "name")]
)
def test_a_field_that_no_account_has_is_an_error(rule: str, near: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        excluded(tmp_path, rule)
    assert f"Did you mean '{near}'?" in caught.value.message
    assert "tier" in caught.value.hint


def test_attributes_may_come_after_subscriptions(tmp_path: Path) -> None:
    with create(tmp_path / "p", company="exclude = [\"tier~inner\"]") as company:
        load(company, {"subscriptions": SUBSCRIPTIONS})
        with company.reading() as engine:
            found = examine(
                company.config, company.lake, company.snapshot, engine, company.as_of()
            )
        assert [one.check for one in found if one.level == "problem"] == ["exclude_unknown_field"]
        load(company, {"accounts": ACCOUNTS})
        with company.reading() as engine:
            rows = engine.rows("SELECT account_id FROM account_roots WHERE is_excluded")
    assert rows == [("ours",)]
