"""doctor names what contradicts itself: rows visible, findings counted by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from staycurve.insights.examination.doctor import Finding, examine
from tests.company import build, load


def findings(folder: Path, tables: dict[str, Any], **settings: Any) -> dict[str, Finding]:
    with build(folder / "p", tables, **settings) as company, company.reading() as engine:
        found = examine(
            company.config, company.lake, company.snapshot, engine, company.as_of()
        )
    return {finding.check: finding for finding in found}


SUBSCRIPTIONS = """subscription_id account_id starts_at  ends_at    amount
    s1              acme       2024-01-05 -          10
    s2              bolt       2024-01-05 2024-02-10 10
    s3              crux       2024-01-05 2024-01-05 10
    s4              dune       2024-03-01 -          10
    s5              echo       2024-01-05 -          10"""


def test_a_sound_company_has_no_warning(tmp_path: Path) -> None:
    found = findings(tmp_path, {"subscriptions": SUBSCRIPTIONS})
    assert found["identity"].level == "ok"
    assert not [f for f in found.values() if f.level in ("warning", "problem")]
    assert found["bare_accounts"].count == 5
    assert found["zero_length_spans"].count == 1


def test_three_sources_of_churn_are_held_against_each_other(tmp_path: Path) -> None:
    accounts = """account_id churn_flag
        acme TRUE
        bolt FALSE
        dune FALSE"""
    answers = """answer_id survey kind account_id answered_at comment
        a1 churn open dune 2024-03-02 bye
        a2 churn open bolt 2024-02-10 bye"""
    found = findings(
        tmp_path,
        {"accounts": accounts, "subscriptions": SUBSCRIPTIONS, "answers": answers},
    )
    # dune is in the survey and never stopped paying; the flag's contradictions come first.
    assert "1 accounts in it never stopped paying" in found["churn_sources"].text


def test_usage_before_a_subscription_and_repeated_ids(tmp_path: Path) -> None:
    events = "event_id event occurred_at account_id subscription_id usage_id\n" + "\n".join(
        f"e{n} click 2024-02-{n % 28 + 1:02d} {'dune' if n < 3 else 'acme'} "
        f"{'s4' if n < 3 else 's1'} u{min(n, 38)}"
        for n in range(40)
    )
    found = findings(tmp_path, {"subscriptions": SUBSCRIPTIONS, "events": events})
    assert found["events_before_account"].count == 3
    assert found["events_before_subscription"].count == 3
    assert found["repeated_ids"].count == 1


def test_ends_that_are_prepaid_are_suspected(tmp_path: Path) -> None:
    rows = "subscription_id account_id starts_at ends_at amount\n" + "\n".join(
        f"s{n} a{n} 2024-01-01 {'2024-03-15' if n < 4 else ''} 10".replace("  ", " - ")
        for n in range(10)
    )
    found = findings(tmp_path, {"subscriptions": rows})
    assert found["prepaid_ends"].count == 4
    assert "--as-of 2024-03-01" in found["prepaid_ends"].hint


def test_rates_that_are_old_or_begin_late_are_named(tmp_path: Path) -> None:
    rows = """subscription_id account_id starts_at ends_at amount currency
        s1 acme 2024-01-05 2024-06-30 10 EUR"""
    rates = """day currency rate
        2024-02-01 EUR 1.1"""
    found = findings(tmp_path, {"subscriptions": rows, "fx_rates": rates})
    assert found["stale_rates"].level == "warning"
    assert found["early_rates"].level == "warning"


def test_a_key_that_a_file_repeats_is_counted(tmp_path: Path) -> None:
    rows = """subscription_id account_id starts_at amount
        s1 acme 2024-01-05 10
        s1 acme 2024-01-05 20"""
    found = findings(tmp_path, {"subscriptions": rows})
    assert found["repeated_keys"].count == 1


def test_rejects_are_summed_up(tmp_path: Path) -> None:
    with build(tmp_path / "p", {"subscriptions": SUBSCRIPTIONS}) as company:
        load(company, {"tickets": """ticket_id account_id opened_at
            t1 nobody 2024-01-01"""})
        with company.reading() as engine:
            found = examine(
                company.config, company.lake, company.snapshot, engine, company.as_of()
            )
    (waiting,) = [f for f in found if f.check == "rejects"]
    assert waiting.count == 1
    assert "waiting" in waiting.text


def examined(folder: Path, tables: dict[str, Any]) -> list[Finding]:
    with build(folder / "p", tables) as company, company.reading() as engine:
        return examine(company.config, company.lake, company.snapshot, engine, company.as_of())


def test_rejected_rows_are_grouped_by_rule_not_by_what_stands_in_them(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"subscription_id": f"s{n}", "account_id": f"a{n}", "amount": "10",
         "starts_at": f"2024-02-{n + 1:02}", "ends_at": f"2024-01-{n + 1:02}"}
        for n in range(25)
    ]
    # Three spans of one item that overlap the first, each at an instant of its own.
    rows += [
        {"subscription_id": "x", "account_id": "ax", "amount": "10", "starts_at": f"2024-03-0{n}",
         "ends_at": f"2024-0{n + 4}-01"}
        for n in range(1, 4)
    ]
    rows.append({"account_id": "ay", "amount": "1", "starts_at": "2024-01-01"})
    found = [one for one in examined(tmp_path, {"subscriptions": rows}) if one.check == "rejects"]
    assert [(one.count, one.text) for one in found] == [
        (25, "subscriptions: 25 rows rejected: ends_at is before starts_at "
             "(first: subscriptions.csv:2)"),
        (2, "subscriptions: 2 rows overlap: starts_at overlaps the same item's span that starts "
            "at … (first: subscriptions.csv:28)"),
        (1, "subscriptions: 1 row rejected: subscription_id is missing "
            "(first: subscriptions.csv:30)"),
    ]


def test_rules_with_values_in_the_middle_are_one_rule(tmp_path: Path) -> None:
    rows = "answer_id survey kind answered_at score\n" + "\n".join(
        f"a{n} s {kind} 2024-01-0{n + 1} -" for n, kind in enumerate(("nps", "csat", "ces"))
    ) + "\na9 s nps 2024-01-09 9"
    found = [one for one in examined(tmp_path, {"answers": rows}) if one.check == "rejects"]
    assert [(one.count, one.text) for one in found] == [
        (3, "answers: 3 rows rejected: score is missing: … is a score (first: answers.csv:2)")
    ]


def test_tables_that_are_empty_stand_in_one_line(tmp_path: Path) -> None:
    found = [
        one for one in examined(tmp_path, {"subscriptions": SUBSCRIPTIONS})
        if "Nothing is loaded of" in one.text
    ]
    assert [one.check for one in found] == ["empty_tables"]
    for table in ("events", "leads", "reach", "spend", "tickets", "answers", "invitations"):
        assert table in found[0].text
    assert found[0].count == 7
