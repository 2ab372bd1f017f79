"""Why two tools differ: rules by hand, and sums that hold on random companies."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner

from staycurve.conventions import PROFILES, SWITCHES, Profile, Rule, definition
from staycurve.errors import UnknownNameError, UsageError
from staycurve.insights.books.ledgers import Ledgers, closed_period
from staycurve.insights.books.reconcile import reconciled
from staycurve.insights.books.reconciliation import Reconciliation
from staycurve.insights.books.switches import HEADLINES, effects_of
from staycurve.interfaces.cli.app import app
from staycurve.metrics.query import Query
from staycurve.workspace import Company
from tests.company import build
from tests.oracle.companies import Seeded, add_people, company

HEAD = "subscription_id account_id starts_at ends_at amount"
METRICS = (
    "mrr", "nrr", "customers", "churned_mrr", "customer_churn_rate", "new_mrr", "expansion_mrr",
    "grr", "arpa", "involuntary_churned_mrr", "clv_simple", "quick_ratio", "committed_mrr",
)
MONTHS = ("2024-01", "2024-02", "2024-03", "2024-04", "2024-Q1")


def differences(found: Reconciliation) -> dict[tuple[str | None, str], float | None]:
    return {
        (row.account_id, row.rule): None if row.difference is None else float(row.difference)
        for row in found.rows
    }


def theirs(monkeypatch: pytest.MonkeyPatch, **values: str) -> str:
    """A profile that sets these switches alone."""
    rules = {name: Rule(value, "this test") for name, value in values.items()}
    monkeypatch.setitem(PROFILES, "theirs", Profile("Theirs.", rules))
    return "theirs"


def against(
    folder: Path, rows: str, profile: str, period: str, metric: str = "mrr",
    more: Mapping[str, str] | None = None,
) -> Reconciliation:
    with build(folder / "p", {"subscriptions": rows, **(more or {})}) as made:
        return made.reconcile(against=profile, period=period, metric=metric, as_of="2024-12-01")


def test_discounts_are_named_account_by_account(tmp_path: Path) -> None:
    rows = f"""{HEAD} discount_percent discount_amount discount_recurring
        s1 acme 2024-01-01 - 100 20 -  true
        s2 bolt 2024-01-01 - 50  -  5  true
        s3 crux 2024-01-01 - 50  10 -  false
        s4 dune 2024-01-01 - 70  -  -  -"""
    found = against(tmp_path, rows, "mrr-playbook", "2024-02")
    assert (found.ours, found.theirs, found.gap) == (245, 270, 25)
    assert differences(found) == {("acme", "discounts"): 20, ("bolt", "discounts"): 5}
    one_time = against(tmp_path / "again", rows, "chartmogul", "2024-02")
    assert differences(one_time) == {("crux", "discounts"): -5}


def test_a_past_due_item_counts_longer_there(tmp_path: Path) -> None:
    rows = f"""{HEAD} status
        s1 acme 2024-01-01 2024-02-10 30 active
        s1 acme 2024-02-10 -          30 past_due
        s2 bolt 2024-01-01 -          10 active"""
    found = against(tmp_path, rows, "stripe", "2024-04")
    assert differences(found) == {("acme", "past_due_grace"): 30}
    churned = against(tmp_path / "again", rows, "stripe", "2024-03", "churned_mrr")
    assert (churned.ours, churned.theirs) == (30, 0)
    assert differences(churned) == {("acme", "past_due_grace"): -30}


def test_metered_usage_is_left_out_there(tmp_path: Path) -> None:
    rows = f"""{HEAD} item_id kind
        s1 acme 2024-01-01 - 30 -     base
        s1 acme 2024-01-01 - 12 calls metered
        s2 bolt 2024-01-01 - 10 -     base"""
    found = against(tmp_path, rows, "stripe", "2024-03")
    assert differences(found) == {("acme", "usage"): -12}


def test_a_free_customer_stays_a_customer_there(tmp_path: Path) -> None:
    rows = f"""{HEAD}
        s1 acme 2024-01-01 2024-02-10 30
        s1 acme 2024-02-10 -          0
        s2 bolt 2024-01-01 -          10"""
    found = against(tmp_path, rows, "chartmogul", "2024-02", "customers")
    assert (found.ours, found.theirs) == (1, 2)
    assert differences(found) == {("acme", "free_plan"): 1}
    churned = against(tmp_path / "again", rows, "chartmogul", "2024-02", "churned_mrr")
    assert differences(churned) == {("acme", "free_plan"): -30}


def test_a_paused_item_counts_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = f"""{HEAD} status
        s1 acme 2024-01-01 2024-02-10 30 active
        s1 acme 2024-02-10 -          30 paused
        s2 bolt 2024-01-01 -          10 active"""
    found = against(tmp_path, rows, theirs(monkeypatch, paused="keep"), "2024-03")
    assert differences(found) == {("acme", "paused"): 30}


def test_a_cancellation_counts_earlier_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = f"""{HEAD} cancel_requested_at
        s1 acme 2024-01-01 2024-04-01 30 2024-02-20
        s2 bolt 2024-01-01 -          10 -"""
    profile = theirs(monkeypatch, churn_booked="request")
    for month, difference in (("2024-01", None), ("2024-02", -30), ("2024-04", None)):
        found = against(tmp_path / month, rows, profile, month)
        expected = {} if difference is None else {("acme", "churn_booked"): difference}
        assert differences(found) == expected


def test_what_two_rules_do_together_is_interaction(tmp_path: Path) -> None:
    # Recurly takes one-time discounts off (−20), and leaves usage out (−100): together −100.
    rows = f"""{HEAD} kind discount_percent discount_recurring
        s1 acme 2024-01-01 - 100 metered 20 false
        s2 bolt 2024-01-01 - 10  base    -  -"""
    found = against(tmp_path, rows, "recurly", "2024-03")
    assert differences(found) == {
        ("acme", "discounts"): -20, ("acme", "usage"): -100, ("acme", "interaction"): 20,
    }
    assert [step.rule for step in found.rules][-1] == "interaction"


def test_rules_stand_in_the_order_of_the_conventions(tmp_path: Path) -> None:
    rows = f"""{HEAD}
        s1 acme 2024-01-01 - 100"""
    found = against(tmp_path, rows, "recurly", "2024-03")
    rules = [step.rule for step in found.rules]
    assert rules == [name for name in SWITCHES if name in rules]
    assert rules == ["days_per_month", "discounts", "usage", "past_due_grace", "netting"]


def test_exchange_rates_are_those_of_the_whole_company(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = f"""{HEAD} currency
        s1 acme 2023-01-01 2023-02-01 30  EUR
        s2 bolt 2024-01-05 -          100 EUR"""
    rates = """day currency rate
        2023-01-01 EUR 1.10
        2024-02-01 EUR 1.20"""
    profile = theirs(monkeypatch, fx="fixed")
    found = against(tmp_path, rows, profile, "2024-03", more={"fx_rates": rates})
    assert (found.ours, found.theirs) == (120, 110)
    assert differences(found) == {("bolt", "fx"): -10}


def test_a_ratio_shows_both_its_parts_and_its_gap(tmp_path: Path) -> None:
    rows = f"""{HEAD} kind
        s1 acme 2024-01-01 2024-02-10 60  base
        s2 bolt 2024-01-01 -          100 base
        s3 crux 2024-01-01 -          40  metered"""
    found = against(tmp_path, rows, "stripe", "2024-02", "nrr")
    assert (found.ours, found.theirs) == (Fraction(140, 200), Fraction(100, 160))
    (row,) = found.rows
    assert (row.account_id, row.rule, row.numerator, row.denominator) == (
        "crux", "usage", -40, -40,
    )
    assert row.difference == found.gap == Fraction(-75, 1000)


def test_an_empty_side_says_why_and_invents_no_difference(tmp_path: Path) -> None:
    rows = f"""{HEAD} kind
        s3 crux 2024-01-01 - 40  metered"""
    found = against(tmp_path, rows, "stripe", "2024-02", "nrr")
    assert (found.ours, found.theirs, found.gap) == (1, None, None)
    assert found.why is not None
    assert "division by zero" in found.why
    assert [(row.difference, row.numerator) for row in found.rows] == [(None, -40)]


def test_a_rule_that_alone_empties_a_ratio_leaves_its_part_to_interaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without usage nobody pays; with the pause kept, bolt does.
    rows = f"""{HEAD} kind status
        s1 acme 2024-01-01 -          40 metered active
        s2 bolt 2024-01-01 2024-01-20 60 base    active
        s2 bolt 2024-01-20 -          60 base    paused"""
    profile = theirs(monkeypatch, usage="exclude", paused="keep")
    found = against(tmp_path, rows, profile, "2024-02", "arpa")
    assert (found.ours, found.theirs) == (40, 60)
    assert differences(found) == {
        ("acme", "usage"): None, ("bolt", "paused"): 10, ("bolt", "interaction"): 10,
    }


def test_what_cannot_be_imitated_is_named_with_its_source(tmp_path: Path) -> None:
    found = against(tmp_path, f"{HEAD}\n s1 acme 2024-01-01 - 10", "stripe", "2024-02").as_dict()
    assert found["gap"] == 0
    named = {row["rule"]: row for row in found["not_imitated"]}
    assert named["newcomers in the churn rate"]["difference"] is None
    assert "Stripe" in named["newcomers in the churn rate"]["source"]


def test_an_unknown_profile_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'stripe'"):
        against(tmp_path, f"{HEAD}\n s1 acme 2024-01-01 - 10", "stripes", "2024-02")


def test_every_value_of_every_switch_has_words() -> None:
    for name, switch in SWITCHES.items():
        texts = [definition(name, value) for value in switch.values]
        assert all(texts)
        assert len(set(texts)) == len(texts)


@pytest.fixture(scope="module")
def companies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Company]]:
    """The same random company under every profile, each computed by itself."""
    tables = company(Seeded(35), 8, 5)
    add_people(Seeded(36), tables, 8)
    folder = tmp_path_factory.mktemp("profiles")
    found = {
        name: build(folder / name, tables, conventions={"profile": name}) for name in PROFILES
    }
    yield found
    for made in found.values():
        made.close()


def near(exact: Fraction | None, value: float | None) -> bool:
    if exact is None or value is None:
        return exact is None and value is None
    return float(exact) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("ours", PROFILES)
def test_differences_sum_to_the_gap_for_every_pair_of_profiles(
    ours: str, companies: dict[str, Company]
) -> None:
    own = companies[ours]
    seen = own.as_of("2024-06-30T13:37:00")
    first = list(PROFILES).index(ours) * len(PROFILES)
    rules = set()
    with own.ledgers() as ledgers:
        for place, other in enumerate(PROFILES, first):
            metric, text = METRICS[place % len(METRICS)], MONTHS[place % len(MONTHS)]
            period = closed_period(text, seen, 1)
            query = Query((metric,), period.grain, (period,), seen)
            found = reconciled(ledgers, query, other)
            for side, made in ((found.ours, own), (found.theirs, companies[other])):
                assert near(side, made.answer(query).rows[0]["value"]), (metric, text, other)
            if found.gap is not None:
                assert sum(row.difference or 0 for row in found.rows) == found.gap
            rules |= {row.rule for row in found.rows}
    assert rules


def test_effects_are_those_of_a_company_with_that_switch(
    tmp_path: Path, companies: dict[str, Company]
) -> None:
    tables = company(Seeded(35), 8, 5)
    own = companies["staycurve"]
    period, seen = closed_period("2024-03", own.as_of(), 1), own.as_of()
    with own.ledgers() as ledgers:
        found = effects_of(ledgers, Query(HEADLINES, "month", (period,), seen))
    asked = {(e.switch, e.value) for e in found}
    assert asked == {
        (name, value) for name, s in SWITCHES.items() for value in s.values if value != s.default
    }
    for switch, value in (("past_due_grace", "0d"), ("discounts", "none"), ("netting", "event")):
        settings = {"conventions": {switch: value}}
        with build(tmp_path / switch, tables, **settings) as made:
            rows = made.show(
                *HEADLINES, start="2024-03", end="2024-03", as_of=seen.at.isoformat()
            ).rows
        got = {e.metric: e.with_it for e in found if (e.switch, e.value) == (switch, value)}
        assert got == {row["metric"]: pytest.approx(row["value"]) for row in rows}


def test_the_lake_is_not_touched(companies: dict[str, Company]) -> None:
    before = companies["stripe"].snapshot
    companies["stripe"].reconcile(against="recurly", period="2024-02")
    assert companies["stripe"].snapshot == before
    assert not companies["stripe"].is_due()


def run(folder: Path, *words: str) -> str:
    found = CliRunner().invoke(app, ["--project", str(folder), "reconcile", *words])
    if found.exception:
        raise found.exception
    return found.stdout


def test_the_command_prints_what_the_interface_promises(companies: dict[str, Company]) -> None:
    folder = companies["staycurve"].folder
    found = json.loads(
        run(folder, "--against", "recurly", "--period", "2024-03", "--format", "json")
    )
    assert found["gap"] == pytest.approx(found["theirs"] - found["ours"])
    assert sum(row["difference"] for row in found["rows"]) == pytest.approx(found["gap"])
    assert set(found["rows"][0]) == {
        "account_id", "name", "plan", "owner", "rule", "difference"
    }
    text = run(folder, "--against", "recurly", "--period", "2024-03")
    assert "metered items do not count" in text
    assert "dated credits and refunds" in text.lower()
    lines = run(folder, "--against", "recurly", "--period", "2024-03", "--format", "csv")
    assert lines.splitlines()[0] == "account_id,name,plan,owner,rule,difference"
    assert len(lines.splitlines()) == 1 + len(found["rows"])


def test_the_command_shows_what_every_switch_would_change(companies: dict[str, Company]) -> None:
    folder = companies["staycurve"].folder
    found = json.loads(run(folder, "--switches", "--period", "2024-03", "--format", "json"))
    values = {row["ours"] for row in found["rows"] if row["metric"] == "mrr"}
    assert len(values) == 1
    assert "as it is" in run(folder, "--switches", "--period", "2024-03")


@pytest.mark.parametrize(
    "words", [(), ("--switches", "--against", "stripe"), ("--figures", "x", "--period", "2024")]
)
def test_a_comparison_with_nothing_or_twice_is_wrong_usage(
    words: tuple[str, ...], companies: dict[str, Company]
) -> None:
    with pytest.raises(UsageError):
        run(companies["staycurve"].folder, *words)


def test_ledgers_leave_the_company_engine_alone(companies: dict[str, Company]) -> None:
    own = companies["staycurve"]
    before = own.show("mrr", start="2024-03", end="2024-03").rows
    with own.ledgers() as ledgers:
        assert isinstance(ledgers, Ledgers)
        ledgers.focus(closed_period("2024-03", own.as_of(), 1).start, own.as_of().last_day)
        assert own.show("mrr", start="2024-03", end="2024-03").rows == before


def test_the_rows_under_a_profile_are_those_of_a_company_that_has_it(tmp_path: Path) -> None:
    tables = company(Seeded(77), 9, 6)
    with build(tmp_path / "ours", tables) as ours:
        for profile in PROFILES:
            switched = PROFILES[profile].conventions()
            with build(tmp_path / profile, tables, conventions=switched) as other:
                for metric in ("mrr", "nrr", "churned_mrr", "customers"):
                    for month in ("2024-02", "2024-04"):
                        found = ours.accounts(metric, period=month, under=profile)
                        own = other.accounts(metric, period=month)
                        # Why accounts left is told of the company's own conventions alone.
                        same = [
                            {key: row[key] for key in shown}
                            for row, shown in zip(own.rows, found.rows, strict=True)
                        ]
                        assert found.rows == same, (profile, metric, month)
                        assert found.total == own.total
